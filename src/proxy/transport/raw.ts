import net from 'node:net';
import { constants as c, setOption } from '../../sys/index.ts';
import { Arena } from './outbox.ts';

/**
 * Node's own handles under `net.Socket`, used without the stream machinery between: it costs two to three microseconds a message.
 * None of this is documented, so `prepareRawHandles` tries it on a pair of sockets before anything depends on it.
 */
export interface RawHandle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
  /** 0, or a negative errno; whether something is left to write stands in the binding's state. */
  writeBuffer(request: object, bytes: Uint8Array): number;
  onread: (this: RawHandle, bytes: unknown) => unknown;
  [READER]?: RawReader;
}

const READER = Symbol('reader');

/** What takes what is read; so many bytes stand in the buffer that the socket was made with. */
export interface RawReader {
  onRead(length: number): void;
}

/** What learns of writes that did not complete at once; `status` is 0 or a negative errno. */
export interface RawWriter {
  onWritten(arena: Arena, length: number, status: number): void;
}

interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void;
  writer?: RawWriter;
  arena?: Arena;
  length?: number;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
  readonly kReadBytesOrError: number;
}

let binding: StreamBinding | undefined;
/** A write that completes at once leaves its request unused. */
let spare: WriteRequest | undefined;

/** The handle of a connected plain socket; undefined when handles are not to be used. */
export function rawHandleOf(socket: net.Socket): RawHandle | undefined {
  if (!binding) return undefined;
  const handle = (socket as { readonly _handle?: RawHandle | null })._handle;
  return handle && typeof handle.writeBuffer === 'function' ? handle : undefined;
}

/** Takes the handle of an accepted socket that was never read from, to be put into a socket of other options. */
export function takeHandle(accepted: net.Socket): object | undefined {
  if (!binding) return undefined;
  const holder = accepted as unknown as { _handle: object | null };
  const handle = holder._handle ?? undefined;
  holder._handle = null;
  return handle;
}

/** Delivers what is read straight to the reader; the end and errors go the way of the socket. */
export function readRaw(handle: RawHandle, reader: RawReader): void {
  if (handle.onread !== onRawRead) onSocketRead = handle.onread;
  handle[READER] = reader;
  handle.onread = onRawRead;
}

let onSocketRead: RawHandle['onread'] | undefined;

function onRawRead(this: RawHandle, bytes: unknown): unknown {
  const { streamBaseState, kReadBytesOrError } = binding as StreamBinding;
  const length = streamBaseState[kReadBytesOrError] as number;
  if (length <= 0) return onSocketRead?.call(this, bytes);
  this[READER]?.onRead(length);
  return undefined;
}

/**
 * Writes now what the kernel takes of bytes of an arena. 0: all of it went out. 1: the rest follows by itself, then `writer` is told.
 * Else a negative errno.
 */
export function writeRaw(handle: RawHandle, bytes: Uint8Array, arena: Arena, writer: RawWriter): number {
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding as StreamBinding;
  const request = spare ?? new WriteWrap();
  const status = handle.writeBuffer(request, bytes);
  if (status !== 0 || streamBaseState[kLastWriteWasAsync] === 0) {
    spare = request;
    return status;
  }
  spare = undefined;
  request.oncomplete = written;
  request.writer = writer;
  request.arena = arena;
  request.length = bytes.length;
  return 1;
}

function written(this: WriteRequest, status: number): void {
  const { writer, arena, length } = this;
  if (writer && arena && length !== undefined) writer.onWritten(arena, length, status);
}

/**
 * Switches raw handles on when they behave as expected here, or off; tells whether they are on. `proven`: another thread of this process
 * has tried them.
 */
export async function prepareRawHandles(wanted = true, proven = false): Promise<boolean> {
  if (wanted && binding) return true;
  binding = undefined;
  spare = undefined;
  if (!wanted) return false;
  binding = findBinding();
  if (!binding || proven) return binding !== undefined;
  try {
    await tryHandles();
  } catch {
    binding = undefined;
  }
  return binding !== undefined;
}

function findBinding(): StreamBinding | undefined {
  try {
    const found = (process as unknown as { binding(name: string): Partial<StreamBinding> }).binding('stream_wrap');
    const { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } = found;
    if (typeof WriteWrap !== 'function' || !(streamBaseState instanceof Int32Array)) return undefined;
    if (typeof kLastWriteWasAsync !== 'number' || typeof kReadBytesOrError !== 'number') return undefined;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError };
  } catch {
    return undefined;
  }
}

const TRIAL_MS = 2000;
/** With a small send buffer the kernel takes a tenth of it at once; more would stay with the process. */
const TRIAL_BYTES = 2 * 1024 * 1024;
const TRIAL_SEND_BUFFER = 16_384;

/** Takes over an accepted handle and writes more through it than the kernel buffers; rejects when not every byte arrives. */
async function tryHandles(): Promise<void> {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ pauseOnConnect: true });
  const timer = setTimeout(() => server.emit('error', new Error('no answer in time')), TRIAL_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.on('connection', (accepted) => {
        sockets.push(accepted);
        try {
          const socket = adoptTrial(accepted, reject);
          sockets.push(socket);
          writeTrial(socket, reject);
          readTrial(socket, reject);
        } catch (error) {
          reject(error);
        }
      });
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as net.AddressInfo;
        let left = TRIAL_BYTES;
        // One buffer for all of it: what is allocated for each read would stay with the process.
        const callback = (length: number): boolean => {
          left -= length;
          // What the other side answers to is that a read reached it.
          if (left === 0) client.write(TRIAL_TEXT);
          if (left < 0) resolve();
          return true;
        };
        const client = net.connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(65_536), callback } });
        sockets.push(client);
        client.on('error', reject);
      });
    });
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const TRIAL_TEXT = 'read';
const trialBuffer = Buffer.alloc(64);

function readTrial(socket: net.Socket, reject: (error: Error) => void): void {
  const handle = rawHandleOf(socket);
  if (!handle || typeof handle.onread !== 'function') throw new Error('a handle does not say how it reads');
  readRaw(handle, {
    onRead: (length) => {
      if (trialBuffer.toString('latin1', 0, length) === TRIAL_TEXT) socket.write(TRIAL_TEXT);
      else reject(new Error('a read gave other bytes'));
    },
  });
}

function adoptTrial(accepted: net.Socket, reject: (error: Error) => void): net.Socket {
  const handle = takeHandle(accepted);
  if (!handle) throw new Error('an accepted socket has no handle');
  const onread = { buffer: trialBuffer, callback: () => true };
  const socket = new net.Socket({ handle, onread } as net.SocketConstructorOpts);
  socket.on('error', reject);
  return socket;
}

function writeTrial(socket: net.Socket, reject: (error: Error) => void): void {
  const handle = rawHandleOf(socket);
  if (!handle) throw new Error('a socket has no handle');
  setOption((handle as unknown as { readonly fd: number }).fd, c.SOL_SOCKET, c.SO_SNDBUF, TRIAL_SEND_BUFFER);
  let completed = 0;
  const half = new Arena(TRIAL_BYTES / 2);
  const onWritten = (_arena: Arena, _length: number, late: number): void => {
    if (late !== 0) reject(new Error(`a write ended with ${late}`));
    completed++;
  };
  for (let write = 0; write < 2; write++) {
    const status = writeRaw(handle, half.bytes, half, { onWritten });
    // So much does not fit into the kernel: a write that claims so does not tell the truth.
    if (status !== 1) throw new Error(`a large write ended with ${status}`);
  }
  if (completed !== 0) throw new Error('a write ended inside itself');
}
