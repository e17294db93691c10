import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { requireObject } from '../http/read.ts';
import { type ResourceRequest, type ServerContext, userOf } from '../http/request.ts';
import { requestUrl, resourceRequest } from '../http/router.ts';
import { badRequest, noSuchResource, StatusError } from '../status.ts';
import { chooseContainer, requireStarted } from './containers.ts';
import { execRequest, runExec } from './exec.ts';
import { websocketChannel } from './websocket-exec.ts';

const EXEC_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const websockets = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_MESSAGE_BYTES,
  perMessageDeflate: false,
  handleProtocols: (offered) => EXEC_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

/** Answers a request that wants to leave HTTP: exec over WebSocket. Faults before the upgrade are ordinary Status answers. */
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
  const { definition } = call.resource;
  if (definition.key !== 'pods' || call.subresource === undefined) throw noSuchResource();
  if (call.request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw badRequest(`this server upgrades to WebSocket only, not to ${call.request.headers.upgrade}`);
  if (call.subresource !== 'exec')
    throw new StatusError(501, 'NotImplemented', `${call.subresource} is not supported by this server`);
  const pod = requireObject(call);
  const container = chooseContainer(pod, call.query.get('container'));
  requireStarted(pod, container);
  const request = execRequest(call.query, container);
  requireProtocol(call.request);
  websockets.handleUpgrade(call.request, socket, head, (client: WebSocket) => {
    void runExec(call.context, request, websocketChannel(client, request));
  });
}

function requireProtocol(request: IncomingMessage): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  if (!offered.some((protocol) => EXEC_PROTOCOLS.includes(protocol)))
    throw badRequest(`none of the protocols [${offered.join(' ')}] is supported, only [${EXEC_PROTOCOLS.join(' ')}]`);
}

function refuse(socket: Duplex, { status }: StatusError): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
