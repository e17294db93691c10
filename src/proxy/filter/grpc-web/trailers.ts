import type { HeaderMap } from '../../http/headers.ts';

/** The flag of a frame of trailers. */
const TRAILERS = 0x80;
const PREFIX = 5;

/** Trailers as the frame that ends a body of gRPC-Web: lines as in HTTP/1.1, without blanks. */
export function trailersFrame(trailers: HeaderMap): Buffer {
  const lines = trailers.list().map(([name, value]) => `${name}:${value}\r\n`);
  const text = Buffer.from(lines.join(''), 'latin1');
  const prefix = Buffer.alloc(PREFIX);
  prefix[0] = TRAILERS;
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text]);
}
