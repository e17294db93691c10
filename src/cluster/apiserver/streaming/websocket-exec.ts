import { PassThrough, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { numberAt } from '../schema/shape.ts';
import type { ExecChannel } from './exec.ts';

/** Channel numbers of `v4.channel.k8s.io` and `v5.channel.k8s.io`: the first byte of every message. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** v5 only: the second byte names the channel that ends. */
const CLOSE = 255;

const PING_MS = 30_000;

/** An exec session over a WebSocket. */
export function websocketChannel(
  socket: WebSocket,
  wants: { stdin: boolean; stdout: boolean; stderr: boolean },
): ExecChannel {
  const input = wants.stdin ? new PassThrough() : undefined;
  let resized: (columns: number, rows: number) => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      input?.end();
      resolve();
    });
  });
  socket.on('error', () => socket.terminate());
  socket.on('message', (data) => {
    const message = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    const [channel, second] = message;
    if (channel === STDIN && input && !input.writableEnded) {
      // A full pipe stops the socket, so a program that does not read holds back its client.
      if (!input.write(message.subarray(1))) {
        socket.pause();
        input.once('drain', () => socket.resume());
      }
    } else if (channel === RESIZE) readSize(message.subarray(1), resized);
    else if (channel === CLOSE && second === STDIN && socket.protocol.startsWith('v5')) input?.end();
  });
  keepAlive(socket);
  return {
    input,
    output: wants.stdout ? channelWriter(socket, STDOUT) : undefined,
    errors: wants.stderr ? channelWriter(socket, STDERR) : undefined,
    onResize(listener) {
      resized = listener;
    },
    finish(status) {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(Buffer.concat([Buffer.from([ERROR]), Buffer.from(JSON.stringify(status))]), () => socket.close(1000));
    },
    closed,
  };
}

function channelWriter(socket: WebSocket, channel: number): Writable {
  const writer = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) {
        done();
        return;
      }
      socket.send(Buffer.concat([Buffer.from([channel]), chunk]), () => done());
    },
  });
  socket.on('close', () => writer.destroy());
  return writer;
}

function readSize(payload: Buffer, resized: (columns: number, rows: number) => void): void {
  try {
    const size: unknown = JSON.parse(payload.toString('utf8'));
    const columns = numberAt(size, 'Width');
    const rows = numberAt(size, 'Height');
    if (columns && rows && columns < 65_536 && rows < 65_536) resized(columns, rows);
  } catch {
    // A size that cannot be read changes nothing.
  }
}

/** Ends a session whose client no longer answers. */
export function keepAlive(socket: WebSocket): void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) socket.terminate();
    answered = false;
    socket.ping();
  }, PING_MS);
  socket.on('close', () => clearInterval(timer));
}
