/**
 * Node's own handles under `net.Socket`, used without the stream machinery between: it costs two to three microseconds a message.
 * None of this is documented, so `prepareTransport` tries it before anything depends on it.
 */
export interface SocketHandle {
  reading: boolean;
  readonly fd: number;
  readStart(): number;
  readStop(): number;
  /** 0, or a negative errno; whether something is left to write stands in the binding's state. */
  writeBuffer(request: object, bytes: Uint8Array): number;
  close(done?: () => void): void;
  reset?(done?: () => void): number;
  onread: (this: SocketHandle, bytes: unknown) => unknown;
}

export interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
  readonly kReadBytesOrError: number;
}

/** A handle of libuv that reads any descriptor. */
export interface PipeHandle {
  open(descriptor: number): number;
  useUserBuffer(bytes: Uint8Array): void;
  readStart(): number;
  ref(): void;
  unref(): void;
  onread: () => void;
}

/** What `handle.onread` is told at the end of a stream: libuv's UV_EOF. */
export const END_OF_STREAM = -4095;

export function findStreamBinding(): StreamBinding | undefined {
  const { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } = bindingOf<StreamBinding>('stream_wrap');
  if (typeof WriteWrap !== 'function' || !(streamBaseState instanceof Int32Array)) return undefined;
  if (typeof kLastWriteWasAsync !== 'number' || typeof kReadBytesOrError !== 'number') return undefined;
  return { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError };
}

export function createPipeHandle(): PipeHandle | undefined {
  const { Pipe } = bindingOf<{ readonly Pipe: new (type: number) => Partial<PipeHandle> }>('pipe_wrap');
  if (typeof Pipe !== 'function') return undefined;
  const handle = new Pipe(0);
  if (typeof handle.open !== 'function' || typeof handle.useUserBuffer !== 'function') return undefined;
  return handle as PipeHandle;
}

function bindingOf<Binding>(name: string): Partial<Binding> {
  try {
    return (process as unknown as { binding(name: string): Partial<Binding> }).binding(name);
  } catch {
    return {};
  }
}
