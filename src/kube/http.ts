import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { fail, ok, type Result } from '../base/index.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { type ApiError, errorFromBody, localError } from './api-error.ts';

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
      const limit = AbortSignal.timeout(request.timeoutMs ?? defaultTimeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, limit]) : limit;
      const opened = await openStream(access, agent, request, signal);
      if (!opened.ok) return opened;
      try {
        return ok(await readAll(opened.value));
      } catch (error) {
        return fail(transportError(access, error, signal));
      }
    },
    open: async (request) => {
      const headersLimit = new AbortController();
      const timer = setTimeout(() => headersLimit.abort(timeoutReason()), request.timeoutMs ?? defaultTimeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, headersLimit.signal]) : headersLimit.signal;
      const opened = await openStream(access, agent, request, signal);
      clearTimeout(timer);
      return opened;
    },
    close: () => agent.destroy(),
  };
}

function timeoutReason(): DOMException {
  return new DOMException('the server did not answer in time', 'TimeoutError');
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
    credentials = await access.credentials();
  } catch (error) {
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
