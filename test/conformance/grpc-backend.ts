import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { decodeBinary, encodeResource, type JsonObject, type JsonValue } from '../../src/model/envoy/index.ts';
import { decodeExport } from './otlp.ts';
import type { Behaviour, SeenRequest } from './types.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');

/** What a scripted gRPC server shares with the other backends. */
export interface GrpcBackend {
  readonly index: number;
  readonly script: readonly Behaviour[];
  served: number;
}

interface Method {
  readonly path: string;
  readonly request: string;
  readonly response: string;
  readonly stream: boolean;
  /** How its messages are read and written, where their types are not Envoy's. */
  readonly codec?: { readonly read: (bytes: Buffer) => JsonObject; readonly write: (json: JsonObject) => Buffer };
  /** What a message without a script is answered. */
  readonly usual: (request: JsonObject) => JsonObject;
}

const AUTH = 'envoy.service.auth.v3';
const LIMIT = 'envoy.service.ratelimit.v3';
const PROCESS = 'envoy.service.ext_proc.v3';

const methods: readonly Method[] = [
  {
    path: `/${AUTH}.Authorization/Check`,
    request: `${AUTH}.CheckRequest`,
    response: `${AUTH}.CheckResponse`,
    stream: false,
    usual: () => ({ status: { code: 0 } }),
  },
  {
    path: `/${LIMIT}.RateLimitService/ShouldRateLimit`,
    request: `${LIMIT}.RateLimitRequest`,
    response: `${LIMIT}.RateLimitResponse`,
    stream: false,
    usual: () => ({ overall_code: 'OK' }),
  },
  {
    path: `/${PROCESS}.ExternalProcessor/Process`,
    request: `${PROCESS}.ProcessingRequest`,
    response: `${PROCESS}.ProcessingResponse`,
    stream: true,
    usual: (request) =>
      Object.fromEntries(
        Object.keys(request).flatMap((key) => (/_(headers|body|trailers)$/.test(key) ? [[key, {}]] : [])),
      ),
  },
];

/** OpenTelemetry's collector, whose answer is an empty message. */
const exports: readonly Method[] = ['trace.v1.TraceService', 'logs.v1.LogsService'].map((service) => ({
  path: `/opentelemetry.proto.collector.${service}/Export`,
  request: '',
  response: 'google.protobuf.Empty',
  stream: false,
  usual: () => ({}),
}));

/** `grpc.health.v1.Health/Check`: the service's name says what makes the server serve. */
const health: Method = {
  path: '/grpc.health.v1.Health/Check',
  request: '',
  response: '',
  stream: false,
  codec: {
    read: (bytes) => ({ service: bytes.subarray(2).toString('utf8') }),
    write: ({ status }) => Buffer.from([8, Number(status)]),
  },
  usual: ({ service }) => ({ status: /^status \d$/.test(String(service)) ? Number(String(service).slice(7)) : 1 }),
};

/** What a health check for `NAME=VALUE` is answered: whether it has that header, or authority; for `error CODE`, that error. */
function judged(call: Unary): Behaviour | undefined {
  const service = String(call.request['service'] ?? '');
  const error = /^error (\d+)$/.exec(service);
  if (error) return { status: Number(error[1]) };
  const wanted = /^([^=]+)=(.*)$/.exec(service);
  if (!wanted) return undefined;
  const [, name = '', value] = wanted;
  const found = name === 'authority' ? call.getHost() : call.metadata.get(name).join();
  return { reply: { status: found === value ? 1 : 2 } };
}

type Unary = ServerUnaryCall<JsonObject, JsonObject>;
type Duplex = ServerDuplexStream<JsonObject, JsonObject>;

/** Serves the services that filters ask, at an address, by the backend's script: one entry for each message. */
export async function startGrpc(
  address: string,
  backend: GrpcBackend,
  seen: SeenRequest[],
): Promise<{ close(): void }> {
  const server = new grpc.Server();
  for (const method of [...methods, ...exports, health]) {
    const definition = {
      path: method.path,
      requestStream: method.stream,
      responseStream: method.stream,
      requestSerialize: (json: JsonObject) => Buffer.from(encodeResource(method.request, json)),
      requestDeserialize:
        method.codec?.read ??
        ((bytes: Buffer) => decodeExport(method.path, bytes) ?? decodeBinary(method.request, bytes)),
      responseSerialize:
        method.codec?.write ?? ((json: JsonObject) => Buffer.from(encodeResource(method.response, json))),
      responseDeserialize: (bytes: Buffer) => decodeBinary(method.response, bytes),
    };
    const handler = method.stream
      ? (call: Duplex) => serveStream(call, method, backend, seen)
      : (call: Unary, done: sendUnaryData<JsonObject>) => void serveUnary(call, done, method, backend, seen);
    server.addService({ [method.path]: definition }, { [method.path]: handler });
  }
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  return { close: () => server.forceShutdown() };
}

async function serveUnary(
  call: Unary,
  done: sendUnaryData<JsonObject>,
  method: Method,
  backend: GrpcBackend,
  seen: SeenRequest[],
): Promise<void> {
  const fallback = judged(call) ?? { reply: method.usual(call.request) };
  const behaviour = backend.script[backend.served++] ?? fallback;
  seen.push(seenMessage(backend, method.path, headersOf(call), call.request));
  if (behaviour === 'hang') {
    call.on('cancelled', () => seen.push(seenMessage(backend, 'cancelled', [], {})));
    return;
  }
  if (typeof behaviour !== 'object') return;
  if ('afterMs' in behaviour && behaviour.afterMs !== undefined) await sleep(behaviour.afterMs);
  if ('status' in behaviour) done({ code: behaviour.status, details: behaviour.message ?? '' });
  else if ('reply' in behaviour) done(null, [behaviour.reply].flat()[0] as JsonObject);
}

/** Answers come in the order of the messages, also where one takes its time. */
function serveStream(call: Duplex, method: Method, backend: GrpcBackend, seen: SeenRequest[]): void {
  let headers: readonly string[] = headersOf(call);
  let last: Promise<void> = Promise.resolve();
  call.on('error', () => undefined);
  call.on('cancelled', () => undefined);
  // Whether a reset is seen before or after an end that came just before it is a matter of time.
  call.on('end', () => void last.then(() => call.end()));
  call.on('data', (request: JsonObject) => {
    const behaviour = backend.script[backend.served++] ?? { reply: method.usual(request) };
    seen.push(seenMessage(backend, method.path, headers, request));
    headers = [];
    last = last.then(() => answerMessage(call, behaviour));
  });
}

async function answerMessage(call: Duplex, behaviour: Behaviour): Promise<void> {
  if (typeof behaviour !== 'object') return;
  if ('afterMs' in behaviour && behaviour.afterMs !== undefined) await sleep(behaviour.afterMs);
  if ('status' in behaviour) {
    if (behaviour.status === 0) call.end();
    else call.emit('error', { code: behaviour.status, details: behaviour.message ?? '' });
  } else if ('reply' in behaviour) for (const one of [behaviour.reply].flat()) call.write(one as JsonObject);
}

/** What every gRPC library says of itself in its own way is left out. */
const own = /^(user-agent|grpc-accept-encoding|accept-encoding|te|content-type|x-envoy-expected-rq-timeout-ms)$/;

function headersOf(call: Unary | Duplex): readonly string[] {
  const metadata = Object.entries(call.metadata.getMap()).filter(([name]) => !own.test(name));
  const deadline = call.getDeadline();
  const limit = deadline === Number.POSITIVE_INFINITY ? [] : ['grpc-timeout: some'];
  return [`:authority: ${call.getHost()}`, ...limit, ...metadata.map(([name, value]) => `${name}: ${value}`).sort()];
}

function seenMessage(
  { index }: GrpcBackend,
  line: string,
  headers: readonly string[],
  message: JsonObject,
): SeenRequest {
  return { backend: index, connection: 0, line, headers: [...headers, ...flat('', message).map(normal)], body: '' };
}

/** Fields of bytes, which JSON has as base64. */
const bytes = /(\.raw_value|\.raw_body|^(request|response)_body\.body)$/;

/** One line for each field that is set, `path: value`, sorted. */
export function flat(path: string, value: JsonValue): readonly string[] {
  if (bytes.test(path)) return [`${path}: ${Buffer.from(String(value), 'base64').toString('latin1')}`];
  if (typeof value !== 'object' || value === null) return [`${path}: ${value}`];
  if ('key' in value && value['key'] === 'x-envoy-upstream-service-time') return [`${path}: time of the upstream`];
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  if (entries.length === 0 && path !== '') return [`${path}: ${Array.isArray(value) ? '[]' : '{}'}`];
  return entries.flatMap(([key, inner]) => flat(path === '' ? key : `${path}.${key}`, inner));
}

const varying: readonly (readonly [RegExp, string])[] = [
  [/^(attributes\.request\.time): .*/, '$1: TIME'],
  [/^(attributes\.request\.http\.id): \d+$/, '$1: ID'],
  [/^(attributes\.source\.address\.socket_address\.port_value): \d+$/, '$1: PORT'],
  [/^(.*ext_authz_duration): \d+$/, '$1: MS'],
];

function normal(line: string): string {
  return varying.reduce((text, [pattern, to]) => text.replace(pattern, to), line);
}
