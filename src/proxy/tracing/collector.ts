import type { Fields } from '../config/fields.ts';
import type { Calls } from '../filter/async/calls.ts';
import { type GrpcService, readGrpcService } from '../filter/async/grpc-service.ts';
import type { Call } from '../filter/async/http-call.ts';
import { RequestHead } from '../http/head.ts';
import { type Peer, StreamInfo } from '../http/stream-info.ts';
import { applyMutations, type HeaderMutation, readHeaderOption } from '../route/mutation.ts';
import { versionText } from '../server/version.ts';
import { Deadline } from '../time/deadline.ts';

/** Where spans or log records are sent. */
export type CollectorService =
  | { readonly kind: 'grpc'; readonly service: GrpcService }
  | { readonly kind: 'http'; readonly service: HttpCollector };

export interface HttpCollector {
  readonly cluster: string;
  /** Milliseconds, 0 for none. */
  readonly timeout: () => number;
  /** The status of an answer that says that all was taken. */
  readonly accepted: number;
  /** The head of a request; `info`: what headers are made of. */
  readonly head: (info: StreamInfo) => RequestHead;
}

/** How many messages may be on their way to a collector, and how many bytes of them; what comes while there are more is lost. */
const MOST_CALLS = 32;
const MOST_BYTES = 4 * 1024 * 1024;
/** A collector that says nothing for so long is given up. Envoy waits for gRPC without end. */
const LONGEST_WAIT_MS = 10_000;

/** Reads `grpc_service` of a tracer or log. */
export function readGrpcCollector(fields: Fields): CollectorService {
  return { kind: 'grpc', service: readGrpcService(fields) };
}

/** An `envoy.config.core.v3.HttpService`, as it is written. */
export interface HttpService {
  readonly uri: string;
  readonly cluster: string;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
  /** Headers, one after the other: whatever their own action, each takes the place of what is there, as in Envoy. */
  readonly add: readonly HeaderMutation[];
}

/** Reads an `HttpService`. */
export function readHttpService(fields: Fields): HttpService {
  const uri = fields.message('http_uri', (inner) => {
    inner.oneOf('http_upstream_type', ['cluster']);
    const timeout = inner.duration('timeout');
    if (timeout === undefined) inner.problem('timeout', 'value is required');
    return { uri: inner.required('uri'), cluster: inner.text('cluster'), timeout: timeout ?? 0 };
  });
  if (!uri) fields.problem('http_uri', 'value is required');
  const options = fields.list('request_headers_to_add', (one) => readHeaderOption(one, 'request'));
  const add = options
    .filter((one) => one !== undefined)
    .map((one) => ({ add: [{ ...one, action: 'OVERWRITE_IF_EXISTS_OR_ADD' as const }], remove: [] }));
  return { ...(uri ?? { uri: '', cluster: '', timeout: 0 }), add };
}

/** Reads an `HttpService` of OpenTelemetry. */
export function readHttpCollector(fields: Fields): CollectorService {
  const { uri, cluster, timeout, add } = readHttpService(fields);
  const place = splitUri(uri);
  const own = { 'content-type': 'application/x-protobuf', 'user-agent': AGENT };
  const head = (info: StreamInfo): RequestHead => ownHead(place, own, add, info);
  return { kind: 'http', service: { cluster, timeout: () => timeout, accepted: 200, head } };
}

/** Host and path of a URI, with or without a scheme. */
function splitUri(uri: string): { readonly authority: string; readonly path: string } {
  const rest = uri.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const slash = rest.indexOf('/');
  return slash < 0 ? { authority: rest, path: '/' } : { authority: rest.slice(0, slash), path: rest.slice(slash) };
}

/** How a message fared; `lost`: there was no answer, or none of gRPC that is OK. */
export type Delivery = 'taken' | 'refused' | 'lost' | 'no cluster';

/** Sends messages to a collector, several at a time, and never waits for it. */
export class Collector {
  readonly #service: CollectorService;
  readonly #calls: Calls;
  readonly #path: string;
  #underWay = 0;
  #bytes = 0;

  /** `path`: the method to call over gRPC. */
  constructor(service: CollectorService, calls: Calls, path: string) {
    this.#service = service;
    this.#calls = calls;
    this.#path = path;
  }

  /** False: too much is on its way already, and nothing was done. `done` may come before this returns. */
  send(message: Buffer, done: (delivery: Delivery) => void): boolean {
    if (this.#underWay >= MOST_CALLS || this.#bytes + message.length > MOST_BYTES) return false;
    this.#underWay++;
    this.#bytes += message.length;
    let over = false;
    let call: Call | undefined;
    const limit = new Deadline(() => {
      call?.cancel();
      end('lost');
    });
    const end = (delivery: Delivery): void => {
      if (over) return;
      over = true;
      limit.stop();
      this.#underWay--;
      this.#bytes -= message.length;
      done(delivery);
    };
    limit.start(LONGEST_WAIT_MS);
    call = this.#begin(message, end);
    if (!call) end('no cluster');
    return true;
  }

  #begin(message: Buffer, end: (delivery: Delivery) => void): Call | undefined {
    const parent = new StreamInfo(OWN);
    if (this.#service.kind === 'grpc') {
      const { service } = this.#service;
      const request = { service, path: this.#path, message, timeout: 0, parent };
      return this.#calls.grpc(request, ({ ok }) => end(ok ? 'taken' : 'lost'));
    }
    const { cluster, timeout, accepted, head } = this.#service.service;
    const request = {
      head: head(parent),
      body: message,
      timeout: timeout(),
      retry: undefined,
      parent,
      tellsAddress: true,
    };
    return this.#calls.http(cluster, request, (answer) => {
      if (!answer) end('lost');
      else end(answer.status === accepted ? 'taken' : 'refused');
    });
  }
}

const NOWHERE: Peer = { address: '', port: 0 };
/** What is sent is on nobody's behalf. */
const OWN = { remote: NOWHERE, directRemote: NOWHERE, local: NOWHERE };

const AGENT = `OTel-OTLP-Exporter-Envoy/${versionText}`;

/** The head of a request of the proxy's own, with its own headers and those that are added for it. */
export function ownHead(
  { authority, path }: { readonly authority: string; readonly path: string },
  own: Readonly<Record<string, string>>,
  added: readonly HeaderMutation[],
  info: StreamInfo,
): RequestHead {
  const head = new RequestHead();
  head.method = 'POST';
  head.scheme = 'http';
  head.path = path;
  head.authority = authority;
  head.hasAuthority = true;
  for (const [name, value] of Object.entries(own)) head.headers.add(name, value);
  applyMutations(added, head.headers, info);
  return head;
}
