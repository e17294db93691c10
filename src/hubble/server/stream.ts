import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Result } from '../../base/index.ts';
import type { EventReader } from '../observer/reader.ts';
import { RpcCode, type RpcError } from '../observer/rpc-error.ts';

/** Bounds the streams that are open at a time. */
export interface StreamGate {
  /** Counts a stream in; false when there are too many. Each true needs one `leave`. */
  readonly enter: () => boolean;
  readonly leave: () => void;
}

const maxStreams = 1024;
/** Messages that may wait in a call's own buffer; beyond them the reading stops. */
const mostUnsent = 512;

export function createStreamGate(): StreamGate {
  let streams = 0;
  return {
    enter() {
      if (streams >= maxStreams) return false;
      streams++;
      return true;
    },
    leave: () => {
      streams--;
    },
  };
}

const tooManyStreams: RpcError = {
  code: RpcCode.RESOURCE_EXHAUSTED,
  details: `more than ${maxStreams} streams at a time`,
};

type AnyStream = ServerWritableStream<object, object>;

/** Ends a call with an error status. */
export function refuse(call: AnyStream, error: RpcError): void {
  call.emit('error', error);
}

/**
 * Writes a reader's messages to a call until it finishes or the caller goes. A caller that does not read stops the
 * reading, not the node: what the ring overwrites meanwhile is told as lost.
 */
export async function stream<T extends object>(
  call: AnyStream,
  gate: StreamGate,
  open: () => Result<EventReader<T> & { readonly close?: () => void }, RpcError>,
): Promise<void> {
  if (!gate.enter()) return refuse(call, tooManyStreams);
  const opened = open();
  if (!opened.ok) {
    gate.leave();
    return refuse(call, opened.error);
  }
  writeTogether(call);
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  call.once('cancelled', stop);
  call.once('close', stop);
  try {
    await pump(call, opened.value, stopped.signal);
  } finally {
    gate.leave();
    opened.value.close?.();
    call.off('cancelled', stop);
    call.off('close', stop);
  }
  call.end();
}

async function pump<T extends object>(call: AnyStream, reader: EventReader<T>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !call.cancelled) {
    const message = reader.next();
    if (message === undefined) {
      if (reader.finished()) return;
      await reader.wait(signal);
    } else if (!call.write(message) && call.writableLength >= mostUnsent) {
      await drained(call, signal);
    }
  }
}

/**
 * Hands on at once what waits in the call's buffer. Calls of @grpc/grpc-js have no `_writev`, so Node gives them the next message only
 * when the last has left, and HTTP/2 sends each by itself: a few thousand a second.
 */
function writeTogether(call: AnyStream): void {
  call._writev = (chunks, done): void => {
    let waiting = chunks.length;
    for (const { chunk, encoding } of chunks) {
      // A message that cannot be sent ends the call and is never answered for.
      call._write(chunk, encoding, () => {
        if (--waiting === 0) done();
      });
    }
  };
}

/** Resolves when the call takes more, or when it is over. */
function drained(call: AnyStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || !call.writableNeedDrain) return resolve();
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
