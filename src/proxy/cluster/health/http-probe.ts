import type { Address } from '../../config/address.ts';
import { PLAIN_COMMON, plainClientCodec } from '../../http/codec-config.ts';
import type { ResponseHead } from '../../http/head.ts';
import { HeaderMap } from '../../http/headers.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { writeText } from '../../http/wire.ts';
import type { Greeting } from '../../proxy-protocol/upstream.ts';
import { applyMutation } from '../../route/mutation.ts';
import type { Encryption } from '../../tls/upstream.ts';
import { uncounted } from '../../transport/transport.ts';
import type { UpstreamBinding } from '../config/binding.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import { PLAIN_EYEBALLS } from '../happy-eyeballs.ts';
import type { Host } from '../host.ts';
import type { ResponseHandler } from '../response-handler.ts';
import { UpstreamConnection } from '../upstream-connection.ts';
import type { HttpCheckConfig, StatusRange } from './config.ts';
import { holdsParts } from './payload.ts';
import type { CheckResult, Probe } from './probe.ts';

export interface HttpProbeOptions {
  readonly config: HttpCheckConfig;
  readonly host: Host;
  readonly address: Address;
  readonly binding: UpstreamBinding | undefined;
  readonly encryption: Encryption | undefined;
  readonly greeting: Greeting | undefined;
  /** Value of the `host` header. */
  readonly authority: string;
  readonly reuse: boolean;
  readonly tell: (result: CheckResult) => void;
  /** The answer wants the host left out at once. */
  readonly onImmediateFail: () => void;
  readonly onVerify: () => void;
}

const CODEC = plainClientCodec(PLAIN_COMMON);
const SETTINGS = { connectTimeout: 0, codec: CODEC, eyeballs: PLAIN_EYEBALLS, bufferLimit: 0 };
const LOOPBACK = { address: '127.0.0.1', port: 0 };
const IMMEDIATE_FAIL = 'x-envoy-immediate-health-check-fail';

/** Sends a request over HTTP/1.1 and judges the response. */
export class HttpProbe implements Probe, ConnectionOwner, ResponseHandler {
  readonly headRequest: boolean;
  readonly switching = 'none';
  readonly closesHere = false;
  readonly bytes = uncounted();
  readonly #options: HttpProbeOptions;
  readonly #request: string;
  #connection: UpstreamConnection | undefined = undefined;
  #waiting = false;
  #head: ResponseHead | undefined = undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(options: HttpProbeOptions) {
    this.#options = options;
    this.headRequest = options.config.method === 'HEAD';
    this.#request = requestText(options);
  }

  start(): void {
    this.#head = undefined;
    this.#body = [];
    this.#bodyBytes = 0;
    if (this.#connection) {
      this.#send(this.#connection);
      return;
    }
    this.#waiting = true;
    const { address, binding, encryption, greeting } = this.#options;
    const settings = { ...SETTINGS, binding, greeting };
    try {
      this.#connection = new UpstreamConnection(this, [address], undefined, encryption, settings);
    } catch {
      setImmediate(() => this.#refused());
    }
  }

  /** Not even the attempt to connect could be made. */
  #refused(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#options.tell('network');
  }

  abort(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#waiting = false;
    connection?.destroy();
  }

  onConnected(connection: UpstreamConnection): void {
    if (connection !== this.#connection || !this.#waiting) return;
    this.#waiting = false;
    this.#send(connection);
  }

  onConnectFailed(connection: UpstreamConnection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#waiting = false;
    this.#options.tell('network');
  }

  onReleased(connection: UpstreamConnection, reusable: boolean): void {
    if (reusable && this.#options.reuse && connection === this.#connection) return;
    if (connection === this.#connection) this.#connection = undefined;
    connection.destroy();
  }

  onClosed(connection: UpstreamConnection): void {
    if (connection === this.#connection) this.#connection = undefined;
  }

  onProtocolError(): void {}

  onAnotherAddress(): void {}

  onAddressRefused(): void {}

  onHead(head: ResponseHead, done: boolean): void {
    this.#head = head;
    if (done) this.#judge();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const { receive, bufferSize } = this.#options.config;
    const room = bufferSize === 0 ? MOST_BYTES : bufferSize;
    const end = Math.min(stop, start + room - this.#bodyBytes);
    if (receive.length > 0 && end > start) {
      this.#body.push(Buffer.from(bytes.subarray(start, end)));
      this.#bodyBytes += end - start;
    }
    if (done) this.#judge();
  }

  onInterim(): void {}

  onTrailers(): void {}

  onReadEnd(): void {}

  onReset(): void {
    this.#connection = undefined;
    this.#options.tell('network');
  }

  onWritable(): void {}

  onTunnel(): void {
    this.abort();
    this.#options.tell('network');
  }

  #send(connection: UpstreamConnection): void {
    connection.begin(this);
    writeText(connection.transport, this.#request);
    connection.requestSent = true;
  }

  #judge(): void {
    const { tell } = this.#options;
    if (this.#head) tell(this.#result(this.#head));
  }

  #result({ status, headers }: ResponseHead): CheckResult {
    const { config, onImmediateFail, onVerify } = this.#options;
    if (config.receive.length > 0 && !holdsParts(Buffer.concat(this.#body), config.receive)) {
      if (headers.has(IMMEDIATE_FAIL)) onImmediateFail();
      return 'failed';
    }
    if (!within(config.expected, status)) {
      if (headers.has(IMMEDIATE_FAIL)) onImmediateFail();
      return within(config.retriable, status) ? 'retriable' : 'failed';
    }
    if (config.serviceName) {
      onVerify();
      if (!config.serviceName(headers.get('x-envoy-upstream-healthchecked-cluster') ?? '')) return 'failed';
    }
    return headers.has('x-envoy-degraded') ? 'degraded' : 'healthy';
  }
}

/** Bytes of a body that are kept where the configuration sets no bound. */
const MOST_BYTES = 1_048_576;

function within(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ from, to }) => status >= from && status < to);
}

/** The bytes of the request, latin1. */
function requestText({ config, host, authority }: HttpProbeOptions): string {
  const headers = new HeaderMap();
  headers.add('user-agent', 'Envoy/HC');
  if (config.mutation) {
    const info = new StreamInfo({ remote: LOOPBACK, directRemote: LOOPBACK, local: LOOPBACK });
    info.upstreamHost = host;
    applyMutation(config.mutation, headers, info);
  }
  const { send, method, path } = config;
  if (send) headers.replace('content-length', String(send.length));
  else if (!BODYLESS.includes(method)) headers.replace('content-length', '0');
  const lines = headers
    .list()
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n${send ? send.toString('latin1') : ''}`;
}

const BODYLESS = ['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT'];
