import type http from 'node:http';
import type { Issue } from '../../base/index.ts';
import type { AccessLog } from '../accesslog/access-log.ts';
import type { Bootstrap } from '../config/bootstrap.ts';
import { type JsonValue, readMessage } from '../config/fields.ts';
import { appendForwardedFor, isLoopback } from '../http/client-address.ts';
import { RequestHead, ResponseHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { NOTHING_FOUND } from '../listener/inspection.ts';
import { peersOf } from '../listener/peers.ts';
import type { Engine } from '../worker/engine.ts';
import type { Page } from './page.ts';

const FILE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';

/** Whoever reaches the admin interface rules the proxy. */
export function adminAddressIssues({ admin }: Bootstrap, anyAddress: boolean): readonly Issue[] {
  if (anyAddress || admin?.kind !== 'socket' || isLoopback(admin.host)) return [];
  const message = `${admin.host} is no loopback address, and whoever reaches the admin interface rules the proxy`;
  const allowed = '127.0.0.0/8, ::1, a Unix socket, or any address with --admin-any-address';
  return [{ path: 'admin.address.socket_address.address', message, allowed }];
}

/** Reads `admin.access_log`, and the file of `access_log_path` as one more; faults go to `issues`. */
export function readAdminLogs(
  { adminLogs: { logs, path } }: Bootstrap,
  { readAccessLogs }: Pick<Engine, 'readAccessLogs'>,
  issues: Issue[],
): readonly AccessLog[] {
  const file: readonly JsonValue[] = path === '' ? [] : [{ name: 'file', typed_config: { '@type': FILE, path } }];
  return readMessage({ access_log: [...logs, ...file] }, 'admin', issues, readAccessLogs);
}

/** Tells the logs of a request to the admin interface, as Envoy's connection manager for it would. */
export function logRequest(
  logs: readonly AccessLog[],
  request: http.IncomingMessage,
  bytesReceived: number,
  page: Page,
): void {
  const peers = peersOf(request.socket, NOTHING_FOUND);
  if (!peers) return;
  const info = new StreamInfo(peers);
  info.request = headOf(request);
  appendForwardedFor(info.request.headers, peers.remote);
  info.response = new ResponseHead();
  info.response.headers.add('content-type', page.type);
  info.protocol = request.httpVersionMinor === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
  info.status = info.response.status = page.status;
  info.details = 'admin_filter_response';
  info.bytesReceived = bytesReceived;
  info.bytesSent = Buffer.byteLength(page.body);
  info.responseStartAt = info.responseEndAt = performance.now();
  info.accessLogType = 'DownstreamEnd';
  for (const log of logs) log(info);
}

function headOf({ method = '', url = '', headers, rawHeaders }: http.IncomingMessage): RequestHead {
  const head = new RequestHead();
  Object.assign(head, { method, path: url, authority: headers.host ?? '', hasAuthority: headers.host !== undefined });
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name !== 'host') head.headers.add(name, rawHeaders[at + 1] ?? '');
  }
  return head;
}
