import type { ClientRequest, IncomingMessage } from 'node:http';
import type WebSocket from 'ws';
import { type ApiError, errorFromBody, localError } from './api-error.ts';
import { messageOf } from './http.ts';

/** Resolves with undefined once the socket is open, otherwise with the reason. */
export function untilOpen(socket: WebSocket, signal: AbortSignal | undefined): Promise<ApiError | undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(localError('Aborted', 'cancelled'));
    socket.once('open', () => resolve(undefined));
    socket.once('error', (error) => resolve(localError('Unreachable', messageOf(error))));
    socket.once('close', () => resolve(localError('Unreachable', 'the connection was closed')));
    socket.once('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < 65_536) body += text;
      });
      response.on('close', () => {
        resolve(errorFromBody(response.statusCode ?? 500, body));
        request.destroy();
      });
    });
  });
}

const heartbeatMs = 30_000;

/** Ends a connection whose other side has not answered a ping within 30 s. */
export function startHeartbeat(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (socket.readyState !== socket.OPEN || socket.isPaused) return;
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, heartbeatMs);
  timer.unref();
  return () => clearInterval(timer);
}
