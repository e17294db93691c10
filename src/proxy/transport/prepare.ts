import net from 'node:net';
import { constants as c, setOption } from '../../sys/index.ts';
import { type TransportKind, useTransport } from './channels.ts';
import { takeArena } from './outbox.ts';
import { acceptedTransport, Transport, type TransportUser, uncounted } from './transport.ts';

const KINDS: readonly TransportKind[] = ['ring', 'handles'];

let fastest: Promise<TransportKind> | undefined;

/** Takes the fastest kind that behaves as expected here for this thread, and tells which it is. What works is tried once. */
export async function prepareTransport(): Promise<TransportKind> {
  fastest ??= findFastest();
  const kind = await fastest;
  useTransport(kind);
  return kind;
}

async function findFastest(): Promise<TransportKind> {
  for (const kind of KINDS) {
    if (useTransport(kind) && (await works())) return kind;
  }
  return 'streams';
}

async function works(): Promise<boolean> {
  try {
    await tryTransports();
    return true;
  } catch {
    return false;
  }
}

/** Long, since a process that starts on a busy machine has other things to do meanwhile. */
const TRIAL_MS = 10_000;
/** With a small send buffer the kernel takes a tenth of it at once; more would stay with the process. */
const TRIAL_BYTES = 1024 * 1024;
const TRIAL_SEND_BUFFER = 16_384;
const TRIAL_ANSWER = 4;

/** Sends more than the kernel buffers and gets it back, both ends being transports; rejects when not every byte arrives. */
async function tryTransports(): Promise<void> {
  const opened: Transport[] = [];
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const timer = setTimeout(() => server.emit('error', new Error('no answer in time')), TRIAL_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.on('connection', (accepted) => {
        const sender = acceptedTransport(trialUser(TRIAL_ANSWER, resolve, reject), uncounted(), accepted);
        opened.push(sender);
        limitSendBuffer(sender.socket);
        for (let piece = 0; piece < 2; piece++) sendTrial(sender, TRIAL_BYTES / 2);
      });
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as net.AddressInfo;
        const answer = (): void => sendTrial(receiver, TRIAL_ANSWER);
        const receiver = new Transport(trialUser(TRIAL_BYTES, answer, reject), uncounted(), (onread) => {
          return new net.Socket({ onread, allowHalfOpen: true } as net.SocketConstructorOpts).connect(
            port,
            '127.0.0.1',
          );
        });
        opened.push(receiver);
        receiver.socket.on('connect', () => receiver.connected());
      });
    });
  } finally {
    clearTimeout(timer);
    for (const transport of opened) transport.destroy();
    server.close();
  }
}

/** Byte at a position of what the trial sends: no two pieces of it are alike. */
const byteAt = (position: number): number => position % 251;

function sendTrial(transport: Transport, length: number): void {
  const arena = takeArena(length);
  const start = transport.sent;
  for (let at = 0; at < length; at++) arena.bytes[arena.at + at] = byteAt(start + at);
  transport.send(arena, arena.at + length);
}

/** Calls `done` when so many bytes have come as they were sent. */
function trialUser(expected: number, done: () => void, reject: (error: unknown) => void): TransportUser {
  let got = 0;
  return {
    onBytes: (bytes, length) => {
      for (let at = 0; at < length; at++) {
        if (bytes[at] !== byteAt(got + at)) reject(new Error('a read gave other bytes'));
      }
      got += length;
      if (got === expected) done();
    },
    onWritable: () => undefined,
    onRemoteEnd: () => reject(new Error('ended early')),
    onError: reject,
    onClosed: () => undefined,
  };
}

/** Node keeps the descriptor of a socket on its handle. */
function limitSendBuffer(socket: net.Socket): void {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } };
  setOption(handle.fd, c.SOL_SOCKET, c.SO_SNDBUF, TRIAL_SEND_BUFFER);
}
