/** Frames of SPDY/3.1 that a server of streams needs. */
export type Frame =
  | { readonly kind: 'data'; readonly stream: number; readonly fin: boolean; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

export const SYN_STREAM = 1;
export const SYN_REPLY = 2;
export const RST_STREAM = 3;
export const PING = 6;
export const GOAWAY = 7;
export const FLAG_FIN = 1;

const HEADER_BYTES = 8;
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Cuts a byte stream into frames. `push` returns the complete ones and throws on a frame that is too large. */
export function createFrameReader(): { push(chunk: Buffer): Frame[] } {
  let held: Buffer[] = [];
  let size = 0;
  let wanted = HEADER_BYTES;
  return {
    push(chunk) {
      held.push(chunk);
      size += chunk.length;
      const frames: Frame[] = [];
      while (size >= wanted) {
        // Joined only once enough is there, so that a large frame is not copied for each of its parts.
        let buffer = held.length === 1 ? (held[0] ?? Buffer.alloc(0)) : Buffer.concat(held);
        const length = buffer.readUInt32BE(4) & 0xff_ffff;
        if (length > MAX_FRAME_BYTES) throw new Error(`SPDY frame of ${length} bytes`);
        wanted = HEADER_BYTES + length;
        if (size >= wanted) {
          frames.push(readFrame(buffer.subarray(0, wanted)));
          buffer = buffer.subarray(wanted);
          size -= wanted;
          wanted = HEADER_BYTES;
        }
        held = [buffer];
      }
      return frames;
    },
  };
}

function readFrame(buffer: Buffer): Frame {
  const first = buffer.readUInt32BE(0);
  const flags = buffer.readUInt8(4);
  const payload = buffer.subarray(HEADER_BYTES);
  if (first < 0x8000_0000) return { kind: 'data', stream: first, fin: (flags & FLAG_FIN) !== 0, payload };
  return { kind: 'control', type: first & 0xffff, flags, payload };
}

export function controlFrame(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE((0x8003_0000 | type) >>> 0, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

export function dataFrame(stream: number, payload: Buffer, fin: boolean): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt8(fin ? FLAG_FIN : 0, 4);
  return Buffer.concat([header, payload]);
}
