import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Result } from '../../base/index.ts';
import type { EventReader } from '../observer/reader.ts';
import { RpcCode, type RpcError } from '../observer/rpc-error.ts';
import { createShares } from './shares.ts';

/** Bounds the streams that are open at a time, of all addresses, of each and of each connection, so that no client takes every place. */
export interface StreamGate {
  /** Counts a stream of a peer, `address:port`, in; the bound it would break, or undefined, which needs one `leave`. */
  readonly enter: (peer: string) => RpcError | undefined;
  readonly leave: (peer: string) => void;
}

const maxStreams = 2048;
/** Of one connection; its own refusals come before HTTP/2's bound, see `serveGrpc`. */
const maxOfConnection = 512;
/** As many as Relay's one connection may have; of `maxStreams`. */
const reservedForRelay = maxOfConnection;
/** Messages that may wait in a call's own buffer; beyond them the reading stops. */
const mostUnsent = 512;

/** Streams are left to `relayAddress`, however many others there are. */
export function createStreamGate(relayAddress?: string): StreamGate {
  const reserve = relayAddress === undefined ? undefined : { holder: relayAddress, places: reservedForRelay };
  const addresses = createShares(maxStreams, reserve);
  const ofConnection = new Map<string, number>();
  return {
    enter(peer) {
      const own = ofConnection.get(peer) ?? 0;
      if (own >= maxOfConnection) return tooManyStreams(`${maxOfConnection} streams of one connection`);
      if (!addresses.enter(addressOf(peer))) return tooManyStreams(`a share of ${maxStreams} streams`);
      ofConnection.set(peer, own + 1);
      return undefined;
    },
    leave(peer) {
      addresses.leave(addressOf(peer));
      const own = (ofConnection.get(peer) ?? 1) - 1;
      if (own > 0) ofConnection.set(peer, own);
      else ofConnection.delete(peer);
    },
  };
}

function addressOf(peer: string): string {
  const colon = peer.lastIndexOf(':');
  return colon < 0 ? peer : peer.slice(0, colon);
}

function tooManyStreams(bound: string): RpcError {
  return { code: RpcCode.RESOURCE_EXHAUSTED, details: `more than ${bound} at a time` };
}

interface GatedCall {
  getPeer(): string;
  emit(event: 'error', error: RpcError): unknown;
  once(event: 'cancelled' | 'close' | 'finish', left: () => void): unknown;
}

/** Lets a call in until it is over; false, and the call refused, when there are too many. */
export function admit(call: GatedCall, gate: StreamGate): boolean {
  const peer = call.getPeer();
  const full = gate.enter(peer);
  if (full) {
    call.emit('error', full);
    return false;
  }
  let left = false;
  const leave = (): void => {
    if (!left) gate.leave(peer);
    left = true;
  };
  call.once('cancelled', leave);
  call.once('close', leave);
  call.once('finish', leave);
  return true;
}

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
  const connection = call.getPeer();
  const full = gate.enter(connection);
  if (full) return refuse(call, full);
  const opened = open();
  if (!opened.ok) {
    gate.leave(connection);
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
    gate.leave(connection);
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
