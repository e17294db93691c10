import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { requireObject } from '../http/read.ts';
import { type ResourceRequest, type ServerContext, userOf } from '../http/request.ts';
import { requestUrl, resourceRequest } from '../http/router.ts';
import { badRequest, noSuchResource, StatusError } from '../status.ts';
import { chooseContainer, requireStarted } from './containers.ts';
import { execRequest, runExec } from './exec.ts';
import { servePortForward } from './port-forward.ts';
import { spdyChannel } from './spdy-exec.ts';
import { websocketChannel } from './websocket-exec.ts';
import { portsOf, servePortForwardChannels } from './websocket-port-forward.ts';
import { websocketTunnel } from './websocket-tunnel.ts';

const EXEC_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const SPDY_EXEC_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io'];
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
const FORWARD_CHANNELS = 'v4.channel.k8s.io';
const SPDY_FORWARD = 'portforward.k8s.io';
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const websockets = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_MESSAGE_BYTES,
  perMessageDeflate: false,
  handleProtocols: (offered) => EXEC_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});
// The tunnel's name holds a slash, which RFC 6455 does not allow and the library refuses; so it is agreed on beside it.
const tunnels = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
tunnels.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL}`));

/** Answers a request that wants to leave HTTP: exec and port-forward over WebSocket or SPDY. Faults before the upgrade are ordinary Status answers. */
export async function handleUpgrade(
  context: ServerContext,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  try {
    const user = userOf(request);
    if (!user) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    const call = resourceRequest(context, request, new ServerResponse(request), user, requestUrl(request));
    upgrade(call, socket, head);
  } catch (error) {
    if (!(error instanceof StatusError)) context.log.error({ err: error, url: request.url }, 'upgrade failed');
    refuse(
      socket,
      error instanceof StatusError ? error : new StatusError(500, 'InternalError', 'Internal error occurred'),
    );
  }
}

function upgrade(call: ResourceRequest, socket: Duplex, head: Buffer): void {
  if (call.resource.definition.key !== 'pods') throw noSuchResource();
  switch (call.subresource) {
    case 'exec':
      startExec(call, socket, head);
      return;
    case 'portforward':
      startPortForward(call, socket, head);
      return;
    case 'attach':
      throw new StatusError(501, 'NotImplemented', 'attach is not supported by this server; use exec or logs');
    default:
      throw noSuchResource();
  }
}

function transportOf(request: IncomingMessage): 'websocket' | 'spdy' {
  const wanted = request.headers.upgrade?.toLowerCase();
  if (wanted === 'websocket') return 'websocket';
  if (wanted === 'spdy/3.1') return 'spdy';
  throw badRequest(`cannot upgrade to ${wanted}; supported: websocket, SPDY/3.1`);
}

function startExec(call: ResourceRequest, socket: Duplex, head: Buffer): void {
  const { context, request } = call;
  const pod = requireObject(call);
  const container = chooseContainer(pod, call.query.get('container'));
  requireStarted(pod, container);
  const exec = execRequest(call.query, container);
  if (transportOf(request) === 'websocket') {
    chooseProtocol(offered(request, 'sec-websocket-protocol'), EXEC_PROTOCOLS);
    websockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
      void runExec(context, exec, websocketChannel(client, exec));
    });
    return;
  }
  acceptSpdy(socket, head, chooseProtocol(offered(request, 'x-stream-protocol-version'), SPDY_EXEC_PROTOCOLS));
  spdyChannel(socket, exec).then(
    (channel) => runExec(context, exec, channel),
    (error: unknown) => context.log.debug({ err: error }, 'exec over SPDY did not start'),
  );
}

function startPortForward(call: ResourceRequest, socket: Duplex, head: Buffer): void {
  const { context, request } = call;
  const { name, namespace = '' } = requireObject(call).metadata;
  const pod = { namespace, pod: name };
  if (transportOf(request) === 'websocket') {
    const protocol = chooseProtocol(offered(request, 'sec-websocket-protocol'), [TUNNEL, FORWARD_CHANNELS]);
    if (protocol === FORWARD_CHANNELS) {
      const ports = portsOf(call.query);
      websockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
        servePortForwardChannels(context, pod, ports, client);
      });
      return;
    }
    delete request.headers['sec-websocket-protocol'];
    tunnels.handleUpgrade(request, socket, head, (client: WebSocket) => {
      servePortForward(context, pod, websocketTunnel(client));
    });
    return;
  }
  acceptSpdy(socket, head, chooseProtocol(offered(request, 'x-stream-protocol-version'), [SPDY_FORWARD]));
  servePortForward(context, pod, socket);
}

function offered(request: IncomingMessage, header: string): string[] {
  const value = request.headers[header];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.split(',').map((protocol) => protocol.trim());
}

function chooseProtocol(protocols: readonly string[], known: readonly string[]): string {
  const chosen = known.find((protocol) => protocols.includes(protocol));
  if (chosen === undefined)
    throw badRequest(`none of the protocols [${protocols.join(' ')}] is supported, only [${known.join(' ')}]`);
  return chosen;
}

function acceptSpdy(socket: Duplex, head: Buffer, protocol: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
}

function refuse(socket: Duplex, { status }: StatusError): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
