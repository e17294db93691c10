import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { fail, ok, type Result } from '../base/index.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { type ApiError, errorFromBody, localError } from './api-error.ts';
import { deadline } from './deadline.ts';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface HttpRequest {
  readonly method: string;
  /** With the leading slash; already escaped. */
  readonly path: string;
  readonly query?: Query;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** For a whole exchange, or for a stream until its headers. */
  readonly timeoutMs?: number | undefined;
}

export interface Transport {
  /** The answer's body once it is all there. Any status but 2xx is an error. */
  exchange(request: HttpRequest): Promise<Result<string, ApiError>>;
  /** The answer as a stream, for the caller to read to its end or destroy. */
  open(request: HttpRequest): Promise<Result<IncomingMessage, ApiError>>;
  /** Closes idle connections. */
  close(): void;
}

const defaultTimeoutMs = 30_000;
/** Most that is kept of one answer; lists come in pages of 500. */
const bodyMax = 256 * 1024 * 1024;

export function createTransport(access: ClusterAccess): Transport {
  const options = { keepAlive: true, maxFreeSockets: 2, scheduling: 'lifo' } as const;
  const agent = access.server.startsWith('https:') ? new https.Agent(options) : new http.Agent(options);
  return {
    async exchange(request) {
      const limit = deadline(request.signal, request.timeoutMs ?? defaultTimeoutMs);
      try {
        const opened = await openStream(access, agent, request, limit.signal);
        return opened.ok ? ok(await readAll(opened.value)) : opened;
      } catch (error) {
        return fail(transportError(access, error, limit.signal));
      } finally {
        limit.release();
      }
    },
    async open(request) {
      const limit = deadline(request.signal, request.timeoutMs ?? defaultTimeoutMs);
      const opened = await openStream(access, agent, request, limit.signal);
      limit.lift();
      if (opened.ok) opened.value.once('close', limit.release);
      else limit.release();
      return opened;
    },
    close: () => agent.destroy(),
  };
}

/** The whole URL of a path and query. */
export function urlOf(access: ClusterAccess, path: string, query: Query = {}): URL {
  const url = new URL(access.server + path);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
  }
  return url;
}

async function openStream(
  access: ClusterAccess,
  agent: http.Agent,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Result<IncomingMessage, ApiError>> {
  let credentials: Credentials;
  try {
    credentials = await untilAborted(access.credentials(), signal);
  } catch (error) {
    if (signal.aborted) return fail(transportError(access, error, signal));
    return fail(localError('Credentials', `no credentials for ${access.server}: ${messageOf(error)}`));
  }
  try {
    const response = await send(access, agent, request, credentials, signal);
    const code = response.statusCode ?? 0;
    return code >= 200 && code < 300 ? ok(response) : fail(errorFromBody(code, await readAll(response)));
  } catch (error) {
    return fail(transportError(access, error, signal));
  }
}

/** The work's outcome, unless the signal comes first: a credential plugin may take any time. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function send(
  access: ClusterAccess,
  agent: http.Agent,
  request: HttpRequest,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const sent = createRequest(access, agent, request, credentials, signal);
  try {
    return await answerOf(sent, request.body);
  } catch (error) {
    // The server may close an idle connection just when it is used again. A POST could have been carried out all the same.
    const wasIdle = sent.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
    if (!wasIdle || request.method === 'POST' || signal.aborted) throw error;
    return answerOf(createRequest(access, agent, request, credentials, signal), request.body);
  }
}

function createRequest(
  access: ClusterAccess,
  agent: http.Agent,
  { method, path, query, accept = 'application/json', contentType = 'application/json', body }: HttpRequest,
  { headers, ...tls }: Credentials,
  signal: AbortSignal,
): http.ClientRequest {
  const url = urlOf(access, path, query);
  const client = url.protocol === 'https:' ? https : http;
  const content = body === undefined ? {} : { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) };
  const allHeaders = { 'User-Agent': 'ciliate', Accept: accept, ...headers, ...content };
  return client.request(url, { agent, ...tls, method, signal, headers: allHeaders });
}

function answerOf(sent: http.ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on('response', (response) => {
      // Errors of the body reach its reader; without one yet they must not end the process.
      response.on('error', () => undefined);
      resolve(response);
    });
    sent.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    sent.on('error', reject);
    sent.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > bodyMax) throw new Error(`the answer is longer than ${bodyMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function transportError(access: ClusterAccess, error: unknown, signal?: AbortSignal): ApiError {
  if (signal?.aborted) {
    const timedOut = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return timedOut
      ? localError('Timeout', `${access.server} did not answer in time`)
      : localError('Aborted', 'the request was cancelled');
  }
  return localError('Unreachable', `${access.server}: ${messageOf(error)}`);
}

export function messageOf(error: unknown): string {
  // A refused connection to a name with several addresses has its reasons one level down and no text of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
