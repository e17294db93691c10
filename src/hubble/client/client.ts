import type {
  ChannelCredentials,
  ChannelOptions,
  Client,
  ClientReadableStream,
  Metadata,
  ServiceError,
} from '@grpc/grpc-js';
import {
  type ChangeNotification,
  type GetAgentEventsRequest,
  type GetAgentEventsResponse,
  type GetDebugEventsResponse,
  type GetFlowsRequest,
  type GetFlowsResponse,
  type GetNamespacesResponse,
  type GetNodesResponse,
  type HealthCheckResponse,
  type HubbleService,
  type ServerStatusResponse,
  serviceDefinition,
} from '../../model/flow/index.ts';
import { observerHealthName } from '../names/health.ts';

/** A stream of responses; `cancel` ends it without an error. Failures throw a `HubbleCallError` in the loop over it. */
export interface ResponseStream<T> extends AsyncIterable<T> {
  readonly cancel: () => void;
}

/** A client of an Observer or relay, in plain text or with TLS. Unary calls fail with a `HubbleCallError` after the request timeout. */
export interface HubbleClient {
  /** Resolves when connected; rejects with a `HubbleCallError` after the timeout. */
  readonly connect: () => Promise<void>;
  readonly getFlows: (request: GetFlowsRequest) => ResponseStream<GetFlowsResponse>;
  readonly getAgentEvents: (request: GetAgentEventsRequest) => ResponseStream<GetAgentEventsResponse>;
  readonly getDebugEvents: (request: GetAgentEventsRequest) => ResponseStream<GetDebugEventsResponse>;
  readonly notifyPeers: () => ResponseStream<ChangeNotification>;
  readonly serverStatus: () => Promise<ServerStatusResponse>;
  readonly getNodes: () => Promise<GetNodesResponse>;
  readonly getNamespaces: () => Promise<GetNamespacesResponse>;
  readonly checkHealth: () => Promise<HealthCheckResponse>;
  readonly close: () => void;
}

/** How to trust the server and who the client is; certificates and keys are PEM. */
export interface ClientTls {
  /** Absent: the system's. */
  readonly authorities?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  /** The name that the server's certificate must have; default the server's host. */
  readonly serverName?: string;
  /** Take any certificate. */
  readonly allowInsecure: boolean;
}

export interface HubbleClientOptions {
  /** `host:port` or `unix:///path`. */
  readonly server: string;
  /** Absent: plain text. */
  readonly tls?: ClientTls;
  /** Sent with every call as basic authentication. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** To connect; default 5 s. */
  readonly timeoutMs?: number;
  /** For one unary call; default 12 s. */
  readonly requestTimeoutMs?: number;
}

/** A failed call: gRPC status code and the server's text. */
export class HubbleCallError extends Error {
  readonly code: number;
  /** Whether there was no connection yet, so that no server has answered. */
  readonly connecting: boolean;
  constructor(code: number, details: string, connecting = false) {
    super(details);
    this.code = code;
    this.connecting = connecting;
  }
}

const defaultTimeoutMs = 5000;
const defaultRequestTimeoutMs = 12_000;
const cancelled = 1;
const deadlineExceeded = 4;
const unavailable = 14;
/** For a call that fails at once where there is no connection. */
const lastWordMs = 200;

type Caller = Client & Record<string, (...given: unknown[]) => unknown>;

/** A client that connects on first use. Loads @grpc/grpc-js. */
export async function createHubbleClient(options: HubbleClientOptions): Promise<HubbleClient> {
  const grpc = await import('@grpc/grpc-js');
  const { credentials, names } = channelCredentials(grpc, options.tls);
  const channel = new grpc.Channel(options.server, credentials, { ...channelOptions, ...names });
  const metadata = new grpc.Metadata();
  if (options.basicAuth) {
    const { username, password } = options.basicAuth;
    metadata.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
  }
  const callers = new Map<HubbleService, Caller>();
  const caller = (service: HubbleService): Caller => {
    const known = callers.get(service);
    if (known) return known;
    const Constructor = grpc.makeClientConstructor(serviceDefinition(service), service);
    const made = new Constructor(options.server, credentials, {
      channelOverride: channel,
    }) as unknown as Caller;
    callers.set(service, made);
    return made;
  };
  const observer = (): Caller => caller('observer.Observer');
  const requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const ask = <T>(from: () => Caller, method: string, request: object = {}): Promise<T> =>
    callUnary<T>(from(), method, request, metadata, requestTimeoutMs);
  return {
    connect: () => waitForReady(observer(), metadata, options),
    getFlows: (request) => openStream(observer(), 'GetFlows', request, metadata),
    getAgentEvents: (request) => openStream(observer(), 'GetAgentEvents', request, metadata),
    getDebugEvents: (request) => openStream(observer(), 'GetDebugEvents', request, metadata),
    notifyPeers: () => openStream(caller('peer.Peer'), 'Notify', {}, metadata),
    serverStatus: () => ask(observer, 'ServerStatus'),
    getNodes: () => ask(observer, 'GetNodes'),
    getNamespaces: () => ask(observer, 'GetNamespaces'),
    checkHealth: () => ask(() => caller('grpc.health.v1.Health'), 'Check', { service: observerHealthName }),
    close: () => channel.close(),
  };
}

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
};

type Grpc = typeof import('@grpc/grpc-js');

function channelCredentials(
  grpc: Grpc,
  tls: ClientTls | undefined,
): { readonly credentials: ChannelCredentials; readonly names: ChannelOptions } {
  if (!tls) return { credentials: grpc.credentials.createInsecure(), names: {} };
  const { authorities = null, certificate = null, key = null, serverName, allowInsecure } = tls;
  const credentials = grpc.credentials.createSsl(authorities, key, certificate, { rejectUnauthorized: !allowInsecure });
  const names = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName };
  return { credentials, names };
}

async function waitForReady(
  client: Caller,
  metadata: Metadata,
  { server, timeoutMs = defaultTimeoutMs }: HubbleClientOptions,
): Promise<void> {
  const ready = await new Promise<boolean>((resolve) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => resolve(!error));
  });
  if (ready) return;
  const why = await lastFailure(client, metadata);
  const text = `failed to connect to '${server}' in ${timeoutMs} ms${why === '' ? '' : `: ${why}`}`;
  throw new HubbleCallError(deadlineExceeded, text, true);
}

/** Why the last attempt to connect failed, which the library tells by a call that does not wait. */
async function lastFailure(client: Caller, metadata: Metadata): Promise<string> {
  try {
    await callUnary(client, 'ServerStatus', {}, metadata, lastWordMs);
    return '';
  } catch (error) {
    const { code, message } = error as HubbleCallError;
    const [, last = ''] = /Last error: (?:Error: )?([^\n]*?)\.?(?: Resolution note:[^\n]*)?$/m.exec(message) ?? [];
    // A certificate of a stranger's is quoted in it.
    return code === unavailable
      ? last
          .slice(0, 300)
          .replace(/\p{Cc}/gu, '?')
          .trim()
      : '';
  }
}

function callUnary<T>(
  client: Caller,
  method: string,
  request: object,
  metadata: Metadata,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const answer = (error: ServiceError | null, response: T): void => {
      if (error) reject(new HubbleCallError(error.code, error.details));
      else resolve(response);
    };
    client[method]?.(request, metadata, { deadline: Date.now() + timeoutMs }, answer);
  });
}

function openStream<T>(client: Caller, method: string, request: object, metadata: Metadata): ResponseStream<T> {
  const call = client[method]?.(request, metadata) as ClientReadableStream<T>;
  let ended = false;
  call.on('error', () => {});
  return {
    cancel: () => {
      ended = true;
      call.cancel();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for await (const message of call) yield message as T;
      } catch (error) {
        const { code, details } = error as ServiceError;
        if (ended || code === cancelled) return;
        throw new HubbleCallError(code, details);
      }
    },
  };
}
