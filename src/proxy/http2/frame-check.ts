import { FAULT, type Fault } from './fault.ts';
import { FRAME } from './frame.ts';

/** Frames of the connection, and those of a stream; others may be of either. */
const OF_CONNECTION: ReadonlySet<number> = new Set([FRAME.SETTINGS, FRAME.PING, FRAME.GOAWAY]);
const OF_STREAM: ReadonlySet<number> = new Set([FRAME.DATA, FRAME.HEADERS, FRAME.PRIORITY, FRAME.RST_STREAM]);

const SIZES: ReadonlyMap<number, number> = new Map([
  [FRAME.PRIORITY, 5],
  [FRAME.RST_STREAM, 4],
  [FRAME.PING, 8],
  [FRAME.WINDOW_UPDATE, 4],
]);
const GOAWAY_SIZE = 8;

/** What is wrong with a frame whatever else the connection has seen: the stream that it names, and its size. */
export function frameFault(type: number, length: number, id: number): Fault | undefined {
  if (OF_CONNECTION.has(type) ? id !== 0 : id === 0 && OF_STREAM.has(type)) return FAULT.STREAM_ID;
  if (type === FRAME.GOAWAY) return length < GOAWAY_SIZE ? FAULT.SIZE : undefined;
  const size = SIZES.get(type);
  return size !== undefined && size !== length ? FAULT.SIZE : undefined;
}
