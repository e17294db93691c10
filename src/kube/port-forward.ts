import { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import { fail, ok, type Result } from '../base/index.ts';
import type { ApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { messageOf, transportError, urlOf } from './http.ts';
import { urlPath } from './paths.ts';
import { startHeartbeat, untilOpen } from './websocket.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly signal?: AbortSignal | undefined;
  /** Until the server takes the request; default 30,000. */
  readonly timeoutMs?: number;
}

/** What the kubelet speaks, to which the API server hands such requests on. */
const protocol = 'v4.channel.k8s.io';
const channel = { data: 0, error: 1 } as const;
/** The port, which the server says first on each channel. */
const portBytes = 2;

/**
 * A connection to a port of a pod through the API server. Fails when the request is refused; that nothing listens in the pod comes later, as the
 * stream's error. Ending it ends the whole connection: the protocol has no half.
 */
export async function connectToPod(client: KubeClient, target: PodPort): Promise<Result<Duplex, ApiError>> {
  const { access } = client;
  const { namespace, pod, port, signal, timeoutMs: handshakeTimeout = 30_000 } = target;
  try {
    const { headers, ...tls } = await access.credentials();
    const { WebSocket } = await import('ws');
    const path = urlPath({
      group: '',
      version: 'v1',
      resource: 'pods',
      namespace,
      name: pod,
      subresource: 'portforward',
    });
    const url = urlOf(access, path, { ports: String(port) });
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, [protocol], { ...tls, headers, handshakeTimeout, maxPayload: 64 * 1024 * 1024 });
    const stream = streamOf(socket);
    const refusal = await untilOpen(socket, signal);
    if (!refusal) return ok(stream);
    stream.destroy();
    return fail(refusal.code > 0 ? refusal : transportError(access, refusal.message, signal));
  } catch (error) {
    return fail(transportError(access, error, signal));
  }
}

function streamOf(socket: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) return done();
      socket.send(Buffer.concat([Buffer.from([channel.data]), chunk]), (error) => done(error ?? null));
    },
    final(done) {
      done();
      socket.close(1000);
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  // Whoever takes the stream hears of its errors; before that the refusal says what was wrong.
  stream.on('error', () => undefined);
  const unsaid = [portBytes, portBytes];
  const endHeartbeat = startHeartbeat(socket);
  socket.on('message', (message: Buffer) => {
    const kind = message[0] ?? -1;
    const skipped = Math.min(unsaid[kind] ?? 0, message.length - 1);
    if (kind in unsaid) unsaid[kind] = (unsaid[kind] ?? 0) - skipped;
    const content = message.subarray(1 + skipped);
    if (content.length === 0 || stream.destroyed) return;
    if (kind === channel.error) stream.destroy(new Error(content.toString('utf8').trim()));
    else if (kind === channel.data && !stream.push(content)) socket.pause();
  });
  socket.on('error', (error) => stream.destroy(new Error(messageOf(error))));
  socket.on('close', () => {
    endHeartbeat();
    if (!stream.destroyed) stream.push(null);
  });
  return stream;
}
