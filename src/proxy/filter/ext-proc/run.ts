import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { Calls } from '../async/calls.ts';
import { GRPC, type GrpcStream, openTraced } from '../async/grpc-stream.ts';
import type { FilterControl, FilterHooks, FilterStream, Hooks, LocalReply } from '../filter.ts';
import type { ProcessConfig } from './config.ts';
import { immediateReply } from './immediate.ts';
import { bodyNumber, modeFromWire } from './mode.ts';
import { requestTarget, responseTarget } from './mutate.ts';
import { type Refusal, Side, type SideOwner } from './side.ts';
import {
  decodeResponse,
  encodeRequest,
  type Field,
  metadataContext,
  metadataOf,
  type Part,
  type WireCommon,
  type WireResponse,
} from './wire.ts';

const PROCESS = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';

/** The external processing of one request and its response. As Envoy's filter of that name. */
export class ProcessRun implements FilterHooks, SideOwner {
  readonly request: Hooks<RequestHead>;
  readonly response: Hooks<ResponseHead>;
  readonly config: ProcessConfig;
  complete = false;
  readonly #stream: FilterStream;
  readonly #calls: Calls;
  readonly #asked: Side;
  readonly #answered: Side;
  #call: GrpcStream | undefined = undefined;
  #said = false;

  constructor(stream: FilterStream, control: FilterControl, config: ProcessConfig, calls: Calls) {
    this.config = config;
    this.#stream = stream;
    this.#calls = calls;
    const asked = new Side('request', this, control.message('request'), config.mode.request);
    const answered = new Side('response', this, control.message('response'), config.mode.response);
    this.#asked = asked;
    this.#answered = answered;
    this.request = {
      head: (_, __, done) => asked.onHead(firstFields(stream.head), requestTarget(stream), done),
      body: (_, piece) => asked.onBody(piece),
    };
    this.response = {
      head: (_, head, done) => answered.onHead([[':status', String(head.status)]], responseTarget(head), done),
      body: (_, piece) => answered.onBody(piece),
    };
  }

  onEnd(): void {
    this.#close();
  }

  trailers(side: 'request' | 'response'): HeaderMap | undefined {
    return side === 'request' ? this.#stream.requestTrailers : this.#stream.responseTrailers;
  }

  open(): boolean {
    if (this.complete) return false;
    if (this.#call) return true;
    const target = { service: this.config.service, path: PROCESS, timeout: 0, parent: this.#stream };
    const call = openTraced(this.#calls.stream, target, this.config.recorded, {
      onMessage: (message) => this.#onMessage(message),
      onEnd: (status, why) => this.#onCallEnd(status, why),
    });
    if (this.complete) return false;
    this.config.stats.streamsStarted++;
    this.#call = call;
    return true;
  }

  send(side: 'request' | 'response', part: Part): void {
    const { forwarding, stats } = this.config;
    const context = { metadata_context: metadataContext(this.#stream, forwarding) };
    const extra = this.#said ? context : { ...context, protocol_config: this.#protocol() };
    this.#said = true;
    this.#call?.send(encodeRequest(side, part, extra), false);
    stats.messagesSent++;
  }

  /** Over HTTP/1.1 Envoy's codec tells the end of a message apart from its last bytes. */
  endsApart(side: 'request' | 'response'): boolean {
    const { protocol, details, upstreamProtocol } = this.#stream;
    if (side === 'request') return protocol !== 'HTTP/2';
    return details === 'via_upstream' && upstreamProtocol !== 'HTTP/2';
  }

  /** What the first message says of those to come. */
  #protocol(): object {
    const [request, response] = [this.#asked, this.#answered].map(({ mode }) => bodyNumber(mode.body));
    return { request_body_mode: request, response_body_mode: response };
  }

  #onMessage(bytes: Buffer): void {
    if (this.complete) return;
    const message = decodeResponse(bytes);
    if (!message) {
      this.#fail(GRPC.INTERNAL, 'via_upstream');
      return;
    }
    if (message.override_message_timeout) {
      this.#extend(message.override_message_timeout);
      return;
    }
    const refusal = this.#overrideMode(message) ?? this.#take(message, bytes);
    const { stats } = this.config;
    if (!refusal) stats.messagesReceived++;
    else if (refusal.spurious !== undefined) this.#onSpurious(refusal.spurious);
    else {
      stats.messagesReceived++;
      this.#refuse(refusal.fault);
    }
  }

  /** A server that speaks out of turn is not listened to any more. */
  #onSpurious(details: string): void {
    const { stats, failureAllow } = this.config;
    stats.spurious++;
    if (!failureAllow) {
      this.#refuse(details);
      return;
    }
    stats.failureModeAllowed++;
    this.#close();
    this.#letGo();
  }

  #refuse(details: string): void {
    this.#close();
    this.#reply(immediateReply(this.config, { status: this.config.statusOnError, details }));
  }

  #extend({ seconds, nanos }: NonNullable<WireResponse['override_message_timeout']>): void {
    const { stats, maxTimeout } = this.config;
    const milliseconds = Number(seconds) * 1000 + Math.floor(nanos / 1e6);
    const fits = milliseconds >= 1 && milliseconds <= maxTimeout;
    const extended = fits && [this.#asked.extend(milliseconds), this.#answered.extend(milliseconds)].includes(true);
    if (extended) stats.timeoutReceived++;
    else stats.timeoutIgnored++;
  }

  /** Only an answer to a head may change what is shown of the rest. */
  #overrideMode({ mode_override: wire }: WireResponse): Refusal {
    const { mayOverride, overrides } = this.config;
    if (!wire || !mayOverride || !(this.#asked.awaitsHead || this.#answered.awaitsHead)) return undefined;
    const mode = modeFromWire(wire);
    if (!mode) return { spurious: 'unsupported_mode_override' };
    if (overrides.size > 0 && !overrides.has(mode.key)) return undefined;
    this.#asked.mode = mode.request;
    this.#answered.mode = mode.response;
    return undefined;
  }

  #take(message: WireResponse, bytes: Buffer): Refusal {
    this.#takeMetadata(message, bytes);
    switch (message.response) {
      case 'request_headers':
        return this.#asked.takeHead(message.request_headers?.response ?? null);
      case 'response_headers':
        return this.#answered.takeHead(message.response_headers?.response ?? null);
      case 'request_body':
        return this.#asked.takeBody(message.request_body?.response ?? null);
      case 'response_body':
        return this.#answered.takeBody(message.response_body?.response ?? null);
      case 'request_trailers':
        return this.#asked.takeTrailers(message.request_trailers?.header_mutation ?? null);
      case 'response_trailers':
        return this.#answered.takeTrailers(message.response_trailers?.header_mutation ?? null);
      case 'immediate_response':
        return this.#takeImmediate(message.immediate_response);
      default:
        return { spurious: 'unhandled_message' };
    }
  }

  #takeMetadata({ dynamic_metadata: metadata }: WireResponse, bytes: Buffer): void {
    const { receiving } = this.config;
    if (!metadata || receiving.size === 0) return;
    for (const [namespace, values] of metadataOf(bytes)) {
      if (!receiving.has(namespace)) continue;
      for (const [key, value] of Object.entries(values)) this.#stream.setMetadata(namespace, key, value);
    }
  }

  #takeImmediate(said: WireResponse['immediate_response']): Refusal {
    if (!said) return { spurious: 'unhandled_message' };
    if (!this.config.immediate) return { spurious: 'unhandled_immediate_response_due_to_config_disabled_it' };
    this.#close();
    this.#reply(immediateReply(this.config, said));
    return undefined;
  }

  onTaken(
    side: 'request' | 'response',
    { clear_route_cache: clears, header_mutation: mutation }: WireCommon,
    waits: boolean,
  ): void {
    if (side === 'response') return;
    const { stats, routeCache } = this.config;
    if (!mutation) {
      if (clears) stats.routeCacheIgnored++;
      return;
    }
    if (routeCache === 'RETAIN') {
      if (clears) stats.routeCacheDisabled++;
      return;
    }
    // Once the head is gone it has been routed.
    if ((clears || routeCache === 'CLEAR') && waits) this.#stream.reroute?.();
  }

  onTimeout(): void {
    const { stats, failureAllow } = this.config;
    if (this.complete) return;
    stats.timeouts++;
    this.#close();
    if (!failureAllow) {
      this.#reply(immediateReply(this.config, { status: 504, details: 'ext_proc_error_per-message_timeout_exceeded' }));
      return;
    }
    stats.failureModeAllowed++;
    this.#letGo();
  }

  #onCallEnd(status: number, why: string): void {
    this.config.stats.halfClosed++;
    this.#call = undefined;
    if (status !== 0) {
      this.#fail(status, why);
      return;
    }
    if (this.complete) return;
    this.config.stats.streamsClosed++;
    this.complete = true;
    this.#letGo();
  }

  #fail(status: number, why: string): void {
    const { stats, failureAllow } = this.config;
    stats.streamsFailed++;
    if (this.complete) return;
    this.#close();
    if (failureAllow) {
      stats.streamsClosed++;
      stats.halfClosed++;
      stats.failureModeAllowed++;
      this.#letGo();
      return;
    }
    this.#refuse(`ext_proc_error_gRPC_error_${status}{${why}}`);
  }

  /** Nothing more is asked, nor heard. */
  #close(): void {
    this.complete = true;
    this.#asked.stop();
    this.#answered.stop();
    const call = this.#call;
    this.#call = undefined;
    if (!call) return;
    this.config.stats.streamsClosed++;
    call.cancel();
  }

  #letGo(): void {
    this.#asked.letGo();
    this.#answered.letGo();
  }

  #reply(reply: LocalReply): void {
    this.config.stats.immediateResponses++;
    this.#stream.reply(reply);
  }
}

/** Fields of the first line, as HTTP/2 names them. */
function firstFields(head: RequestHead): readonly Field[] {
  const fields: Field[] = [];
  if (head.hasAuthority) fields.push([':authority', head.authority]);
  if (head.path !== '') fields.push([':path', head.path]);
  fields.push([':method', head.method]);
  if (head.scheme !== '') fields.push([':scheme', head.scheme]);
  return fields;
}
