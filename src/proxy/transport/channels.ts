import type net from 'node:net';
import { TLSSocket } from 'node:tls';
import { createPipeHandle, findStreamBinding, type SocketHandle, type StreamBinding } from './binding.ts';
import type { Channel, ChannelUser } from './channel.ts';
import { HandleChannel } from './handle-channel.ts';
import { RingChannel } from './ring-channel.ts';
import { RingLoop } from './ring-loop.ts';
import { TlsChannel } from './tls-channel.ts';

/**
 * How the bytes of connections get into and out of this thread. `ring`: io_uring, one system call for many messages. `handles`: libuv's
 * handles, one for each message. `streams`: what Node documents.
 */
export type TransportKind = 'ring' | 'handles' | 'streams';

const READ_SIZE = 262_144;
/** All sockets that are not on the ring read into this one buffer. */
export const readBuffer = Buffer.allocUnsafeSlow(READ_SIZE);

let binding: StreamBinding | undefined;
let ring: RingLoop | undefined;
let kind: TransportKind = 'streams';

/** Has connections of this thread from now on use that kind. False where it is not to be had. */
export function useTransport(wanted: TransportKind): boolean {
  kind = 'streams';
  if (wanted === 'streams') return true;
  binding ??= findStreamBinding();
  if (!binding) return false;
  if (wanted === 'ring') {
    ring ??= openRingLoop();
    if (!ring) return false;
  }
  kind = wanted;
  return true;
}

/** Lets go of what this thread's connections hold in the kernel, before the thread ends. None of them may be used afterwards. */
export function closeTransport(): void {
  ring?.close();
  ring = undefined;
  kind = 'streams';
}

/** Undefined where the kernel, its administrator or this Node does not have what it takes. */
function openRingLoop(): RingLoop | undefined {
  try {
    const watcher = createPipeHandle();
    return watcher && new RingLoop(watcher);
  } catch {
    return undefined;
  }
}

/**
 * The channel of a connected socket; undefined where its streams are to be used. Not `reads`: the socket goes on reading itself.
 * `responses`: what it reads answers what it writes.
 */
export function openChannel(
  socket: net.Socket,
  user: ChannelUser,
  reads: boolean,
  responses: boolean,
): Channel | undefined {
  if (kind === 'streams' || !binding) return undefined;
  const handle = (socket as { readonly _handle?: SocketHandle | null })._handle;
  if (!handle || typeof handle.writeBuffer !== 'function') return undefined;
  if (socket instanceof TLSSocket) return new TlsChannel(binding, socket, user, readBuffer);
  if (kind === 'ring' && ring && reads) return new RingChannel(ring, binding, handle, user, responses);
  return new HandleChannel(binding, handle, user, readBuffer, reads);
}

/** Whether connections go past the streams of Node. */
export const passesStreams = (): boolean => kind !== 'streams';

/** Whether sockets that nobody reads from are read by the ring, whatever their options. */
export const ringReads = (): boolean => kind === 'ring';

/** Takes the handle of an accepted socket that was never read from, to be put into a socket of other options. */
export function takeHandle(accepted: net.Socket): object | undefined {
  if (kind === 'streams') return undefined;
  const holder = accepted as unknown as { _handle: object | null };
  const handle = holder._handle ?? undefined;
  holder._handle = null;
  return handle;
}
