import { rm } from 'node:fs/promises';
import type http from 'node:http';
import { fail, ok, type Result } from '../../base/index.ts';
import type { AccessLog } from '../accesslog/access-log.ts';
import { errnoText } from '../cluster/reset.ts';
import { type Address, formatAddress } from '../config/address.ts';
import { takePlace } from '../listener/overload.ts';
import { logRequest } from './access-log.ts';
import { clusters } from './clusters.ts';
import { configDump } from './config-dump.ts';
import { information } from './info.ts';
import { logging } from './logging.ts';
import { operations } from './operate.ts';
import { type AdminSubject, type Endpoint, type Page, text } from './page.ts';
import { statsEndpoints } from './stats.ts';

export interface AdminServer {
  /** `host:port` or the path of a Unix socket. */
  readonly address: string;
  close(): Promise<void>;
}

const help: Endpoint = { path: '/help', help: 'print out list of admin commands', answer: () => text(helpText()) };
const home: Endpoint = { path: '/', help: 'Admin home page', answer: homePage };

const ENDPOINTS: readonly Endpoint[] = [
  home,
  help,
  clusters,
  configDump,
  logging,
  ...information,
  ...operations,
  ...statsEndpoints,
].sort((left, right) => (left.path < right.path ? -1 : 1));

const BY_PATH = new Map(ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]));

/** Serves Envoy's admin paths, and tells the logs of each request. */
export async function startAdmin(
  address: Address,
  subject: AdminSubject,
  logs: readonly AccessLog[] = [],
): Promise<Result<AdminServer, string>> {
  const { createServer } = await import('node:http');
  if (address.kind === 'pipe') await rm(address.path, { force: true });
  const server = createServer((request, response) => void answer(request, response, subject, logs));
  const { overload } = subject.workers.first;
  if (overload && !subject.config.adminIgnoresLimit) server.on('connection', (socket) => takePlace(socket, overload));
  return new Promise((resolve) => {
    server.once('error', (error) =>
      resolve(fail(`cannot bind admin '${formatAddress(address)}': ${errnoText(error)}`)),
    );
    server.listen(
      address.kind === 'socket' ? { host: address.host, port: address.port } : { path: formatAddress(address) },
      () => {
        const bound = server.address();
        const shown = typeof bound === 'string' || bound === null ? bound : `${bound.address}:${bound.port}`;
        resolve(ok({ address: shown ?? formatAddress(address), close: () => closeServer(server) }));
      },
    );
  });
}

function closeServer(server: http.Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  subject: AdminSubject,
  logs: readonly AccessLog[],
): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  let received = 0;
  request.on('data', (part: Buffer) => {
    received += part.length;
  });
  let page: Page;
  try {
    page = await pageOf(method, url, subject);
  } catch (error) {
    subject.logs.get('admin').error({ url, error }, 'admin request failed');
    page = text('Internal Server Error\n', 500);
  }
  if (logs.length > 0) response.once('close', () => logRequest(logs, request, received, page));
  response.writeHead(page.status, {
    'content-type': page.type,
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
    date: new Date().toUTCString(),
    server: 'envoy',
  });
  response.end(page.body);
}

async function pageOf(method: string, url: string, subject: AdminSubject): Promise<Page> {
  const at = url.indexOf('?');
  const endpoint = BY_PATH.get(at < 0 ? url : url.slice(0, at));
  if (!endpoint) return text(`invalid path. ${helpText()}`, 404);
  if (endpoint.mutates && method !== 'POST') return text(`Method ${method} not allowed, POST required.`, 405);
  return endpoint.answer(new URLSearchParams(at < 0 ? '' : url.slice(at + 1)), subject);
}

function helpText(): string {
  const lines = ENDPOINTS.flatMap(({ path, help: meaning, mutates, parameters = [] }) => [
    `  ${path}${mutates ? ' (POST)' : ''}: ${meaning}\n`,
    ...parameters.map(([name, description]) => `      ${name}: ${description}\n`),
  ]);
  return `admin commands are:\n${lines.join('')}`;
}

/** Every path as a link, or as a button where it changes something. */
function homePage(): Page {
  const rows = ENDPOINTS.map(({ path, help: meaning, mutates }) => {
    const name = mutates
      ? `<form action="${path.slice(1)}" method="post"><button>${path.slice(1)}</button></form>`
      : `<a href="${path.slice(1)}">${path.slice(1) || 'home'}</a>`;
    return `<tr><td>${name}</td><td>${meaning.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</td></tr>`;
  });
  const body = `<!DOCTYPE html>\n<html lang="en">\n<head><title>ciliate-proxy admin</title></head>\n<body><table>\n${rows.join('\n')}\n</table></body>\n</html>\n`;
  return { status: 200, type: 'text/html; charset=UTF-8', body };
}
