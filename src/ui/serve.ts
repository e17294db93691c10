import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compileSelection } from '../hubble/index.ts';
import { writeFault, writeFlows } from './event-stream.ts';
import { type FlowSource, isPassing, type ReadFilters } from './source.ts';
import { readStaticFiles, type StaticFile } from './static-files.ts';

export interface UiOptions {
  /** Folder of the built page. */
  readonly page: string;
  readonly source: FlowSource;
  readonly readFilters: ReadFilters;
}

export interface UiServing {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const headersOfAll = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const defaultLast = 1_000;
const mostLast = 20_000;
/** Streams at a time; each has a connection to Hubble. */
const mostStreams = 16;
const longestFilter = 4_096;

/** Serves the page on 127.0.0.1 until `close`; port 0 takes a free one. Fails with the error of `listen`, for instance EADDRINUSE. */
export async function serveUi({ port, ...options }: UiOptions & { readonly port: number }): Promise<UiServing> {
  const server = createUi(options);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // Loads all that a connection to Hubble needs while the user opens a browser; that there is no Hubble is told on the page.
  void options.source.namespaces().catch(() => []);
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A server of the page that listens nowhere yet. Reads the built page; fails when it is not there. */
export function createUi(options: UiOptions): Server {
  const files = readStaticFiles(options.page);
  let streams = 0;
  return createServer({ headersTimeout: 10_000 }, (request, response) => {
    for (const [name, value] of Object.entries(headersOfAll)) response.setHeader(name, value);
    if (!isLoopbackName(request.headers.host)) return refuse(response, 403, 'this address serves localhost only');
    if (request.headers['sec-fetch-site'] === 'cross-site' && request.headers['sec-fetch-mode'] !== 'navigate')
      return refuse(response, 403, 'requests of other sites are not served');
    if (request.method !== 'GET') return refuse(response, 405, 'only GET is served');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { source } = options;
    if (url.pathname === '/api/source') return answerJson(response, { kind: source.kind, name: source.name });
    if (url.pathname === '/api/namespaces') return void answerNamespaces(response, source);
    if (url.pathname !== '/api/flows') return answerFile(response, files.get(url.pathname));
    if (streams >= mostStreams) return refuse(response, 503, `${mostStreams} pages are open already`);
    streams++;
    response.once('close', () => streams--);
    void answerFlows(request, response, url.searchParams, options);
  });
}

/** Whether a Host header names this machine by itself; a page of another name that resolves to 127.0.0.1 does not. */
function isLoopbackName(host: string | undefined): boolean {
  return /^(?:localhost|127\.0\.0\.1)(?::\d{1,5})?$/i.test(host ?? '');
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`);
}

function answerFile(response: ServerResponse, file: StaticFile | undefined): void {
  if (!file) {
    refuse(response, 404, 'no such page');
    return;
  }
  response.writeHead(200, {
    'content-type': file.type,
    'content-length': file.body.length,
    'cache-control': file.immutable ? 'max-age=31536000, immutable' : 'no-cache',
  });
  response.end(file.body);
}

function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

async function answerNamespaces(response: ServerResponse, source: FlowSource): Promise<void> {
  answerJson(response, await source.namespaces().catch(() => []));
}

async function answerFlows(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  { source, readFilters }: UiOptions,
): Promise<void> {
  response.on('error', () => response.destroy());
  request.socket.setNoDelay(true);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  // The page says that it is connected although no flow has come.
  response.flushHeaders();
  const giveUp = (message: string, retry: boolean): void => {
    writeFault(response, message, retry);
    response.end();
  };
  const text = query.get('filter') ?? '';
  if (text.length > longestFilter) return giveUp(`the filter is longer than ${longestFilter} characters`, false);
  const filters = readFilters(text);
  if (!filters.ok) return giveUp(filters.error, false);
  const checked = compileSelection(filters.value.whitelist, filters.value.blacklist);
  if (!checked.ok) return giveUp(checked.error, false);
  try {
    const last = lastOf(query);
    await writeFlows(response, await source.open(filters.value, last), { lossless: source.kind === 'recording', last });
  } catch (error) {
    giveUp(error instanceof Error ? error.message : String(error), isPassing(error));
  }
}

function lastOf(query: URLSearchParams): number {
  const asked = Number(query.get('last') ?? defaultLast);
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, mostLast) : defaultLast;
}
