import { httpDate } from './date.ts';
import type { ResponseHead } from './head.ts';
import { logNow } from './log-times.ts';
import { addProxyStatus } from './proxy-status.ts';
import { appendVia } from './request-headers.ts';
import type { HttpStream } from './stream.ts';
import { traceResponse } from './tracing.ts';

/** The connection manager's last touches to a response, in the order of Envoy's `encodeHeaders`. */
export function finishResponseHeaders(stream: HttpStream, head: ResponseHead): void {
  const { headers } = head;
  const { manager } = stream;
  headers.remove('proxy-connection');
  if (head.status !== 101 || stream.upgrade === undefined || stream.head.method === 'CONNECT') {
    headers.remove('connection');
    headers.remove('upgrade');
  } else if (manager.logTimes?.onTunnel) logNow(stream, 'DownstreamTunnelSuccessfullyEstablished');
  if (!headers.has('date')) headers.add('date', httpDate());
  if (manager.serverMode === 'OVERWRITE' || (manager.serverMode === 'APPEND_IF_ABSENT' && !headers.has('server'))) {
    headers.set('server', manager.serverName);
  }
  if (manager.requestIds.inResponse || isTraceForced(stream)) {
    const id = stream.head.headers.joined('x-request-id');
    if (id !== undefined) headers.set('x-request-id', id);
  }
  if (manager.via !== '') appendVia(headers, manager.via);
  if (manager.proxyStatus) addProxyStatus(stream, head, manager.proxyStatus);
  if (manager.tracing) traceResponse(stream, head, manager.tracing, manager.stats);
}

/** Only internal requests keep the header; one that was refused before that was decided has it still. */
function isTraceForced(stream: HttpStream): boolean {
  return (stream.internal || !stream.route) && stream.head.headers.has('x-envoy-force-trace');
}
