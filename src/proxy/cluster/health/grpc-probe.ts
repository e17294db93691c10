import { lookupMessage } from '../../../model/envoy/index.ts';
import type { Address } from '../../config/address.ts';
import { PLAIN_COMMON, plainClientCodec } from '../../http/codec-config.ts';
import { frameMessage, MessageReader } from '../../http/grpc-messages.ts';
import { grpcStatusIn, isGrpcType } from '../../http/grpc-status.ts';
import { RequestHead, type ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { type ClientConnectionOwner, Http2ClientConnection } from '../../http2/client-connection.ts';
import type { Http2ClientStream } from '../../http2/client-stream.ts';
import type { Http2Options } from '../../http2/options.ts';
import { HTTP2_STATS } from '../../http2/stats.ts';
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
import type { GrpcCheckConfig } from './config.ts';
import type { CheckResult, Probe } from './probe.ts';

export interface GrpcProbeOptions {
  readonly config: GrpcCheckConfig;
  readonly host: Host;
  readonly address: Address;
  readonly binding: UpstreamBinding | undefined;
  readonly encryption: Encryption | undefined;
  readonly greeting: Greeting | undefined;
  readonly http2: Http2Options;
  readonly authority: string;
  /** Milliseconds that a check may take, which the host is told. */
  readonly timeout: number;
  readonly reuse: boolean;
  readonly tell: (result: CheckResult) => void;
  readonly onProtocolError: () => void;
}

const SETTINGS = {
  connectTimeout: 0,
  codec: plainClientCodec(PLAIN_COMMON),
  eyeballs: PLAIN_EYEBALLS,
  bufferLimit: 0,
};
const LOOPBACK = { address: '127.0.0.1', port: 0 };
const CHECK = '/grpc.health.v1.Health/Check';
/** The answer is one number. */
const MOST_BYTES = 1024;
const SERVING = 1;

/** Calls `grpc.health.v1.Health/Check` and judges the answer. */
export class GrpcProbe implements Probe, ConnectionOwner, ClientConnectionOwner, ResponseHandler {
  readonly headRequest = false;
  readonly switching = 'none';
  readonly closesHere = false;
  readonly bytes = uncounted();
  readonly #options: GrpcProbeOptions;
  #base: UpstreamConnection | undefined = undefined;
  #connection: Http2ClientConnection | undefined = undefined;
  #stream: Http2ClientStream | undefined = undefined;
  #messages = new MessageReader(MOST_BYTES);
  #answer: Buffer | undefined = undefined;
  #trailers: HeaderMap | undefined = undefined;
  /** A check is under way. */
  #checking = false;

  constructor(options: GrpcProbeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#checking = true;
    this.#messages = new MessageReader(MOST_BYTES);
    this.#answer = undefined;
    this.#trailers = undefined;
    const connection = this.#connection;
    if (connection?.hasRoom) {
      this.#ask(connection);
      return;
    }
    this.#close();
    const { address, binding, encryption, greeting } = this.#options;
    const settings = { ...SETTINGS, binding, greeting };
    try {
      this.#base = new UpstreamConnection(this, [address], undefined, encryption, settings);
    } catch {
      setImmediate(() => this.#tell('network'));
    }
  }

  abort(): void {
    this.#checking = false;
    this.#close();
  }

  #close(): void {
    const base = this.#base;
    const connection = this.#connection;
    this.#base = undefined;
    this.#connection = undefined;
    this.#stream = undefined;
    if (connection) connection.session.transport.destroy();
    else base?.destroy();
  }

  onConnected(base: UpstreamConnection): void {
    if (base !== this.#base) return;
    const connection = new Http2ClientConnection(this, base, this.#options.http2, HTTP2_STATS.create());
    this.#connection = connection;
    this.#ask(connection);
  }

  #ask(connection: Http2ClientConnection): void {
    const stream = connection.open();
    if (!stream) {
      this.#tell('network');
      return;
    }
    this.#stream = stream;
    stream.begin(this);
    stream.sendRequest(requestHead(this.#options), encodeCheck(this.#options.config.service), true, undefined);
  }

  #tell(result: CheckResult): void {
    if (!this.#checking) return;
    this.#checking = false;
    if (!this.#options.reuse || result === 'network') this.#close();
    this.#options.tell(result);
  }

  onHead(head: ResponseHead, done: boolean): void {
    if (done) this.#trailers = head.headers;
    const ok = head.status === 200 && isGrpcType(head.headers.get('content-type'));
    if (!ok) this.#refuse();
    else if (done) this.#judge();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    let count = this.#answer ? 1 : 0;
    const fault = this.#messages.read(bytes, start, stop, (message) => {
      this.#answer = message;
      return ++count === 1;
    });
    if (fault || count > 1) this.#refuse();
    else if (done) this.#judge();
  }

  /** What comes is of no use: no more of it is read. */
  #refuse(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.destroy();
    this.#tell('failed');
  }

  #judge(): void {
    this.#stream = undefined;
    const status = this.#trailers && grpcStatusIn(this.#trailers);
    const serving = status === 0 && this.#answer !== undefined && isServing(this.#answer);
    this.#tell(serving && !this.#messages.unfinished ? 'healthy' : 'failed');
  }

  onTrailers(trailers: HeaderMap): void {
    this.#trailers = trailers;
  }

  onReset(): void {
    this.#stream = undefined;
    this.#tell('network');
  }

  onConnectFailed(base: UpstreamConnection): void {
    if (base !== this.#base) return;
    this.#base = undefined;
    this.#tell('network');
  }

  onClosed(base: UpstreamConnection): void {
    if (base !== this.#base) return;
    this.#base = undefined;
    this.#connection = undefined;
    this.#tell('network');
  }

  onInterim(): void {}

  onReadEnd(): void {}

  onWritable(): void {}

  onTunnel(): void {}

  onReleased(): void {}

  onProtocolError(): void {
    this.#options.onProtocolError();
  }

  onAnotherAddress(): void {}

  onAddressRefused(): void {}

  onSettings(): void {}

  onRoom(): void {}

  onDraining(): void {}

  onStreamReset(): void {}

  onCloseNotify(): void {}
}

function requestHead({ config, host, authority, timeout }: GrpcProbeOptions): RequestHead {
  const head = new RequestHead();
  head.method = 'POST';
  head.path = CHECK;
  head.scheme = 'http';
  head.authority = authority;
  head.hasAuthority = true;
  const { headers } = head;
  headers.add('grpc-timeout', `${Math.min(timeout, 99_999_999)}m`);
  headers.add('te', 'trailers');
  headers.add('content-type', 'application/grpc');
  headers.add('user-agent', 'Envoy/HC');
  if (config.metadata) {
    const info = new StreamInfo({ remote: LOOPBACK, directRemote: LOOPBACK, local: LOOPBACK });
    info.upstreamHost = host;
    applyMutation(config.metadata, headers, info);
  }
  return head;
}

/** A framed `HealthCheckRequest`: the service's name is its first field. */
function encodeCheck(service: string): Buffer {
  const type = lookupMessage('google.protobuf.StringValue');
  if (!type) throw new Error('no message google.protobuf.StringValue');
  const bytes = service === '' ? Buffer.alloc(0) : Buffer.from(type.encode({ value: service }).finish());
  return frameMessage(bytes);
}

/** Whether a `HealthCheckResponse`, whose status is its first field, says SERVING. */
function isServing(message: Buffer): boolean {
  const type = lookupMessage('google.protobuf.UInt32Value');
  if (!type) throw new Error('no message google.protobuf.UInt32Value');
  try {
    const { value } = type.decode(message) as unknown as { readonly value: number };
    return value === SERVING;
  } catch {
    return false;
  }
}
