import zlib from 'node:zlib';
import { headerDictionary } from './dictionary.ts';

const MAX_HEADERS_BYTES = 64 * 1024;
const MAX_HEADERS = 64;

/** The two compression states of a connection; blocks must be read and written in the order of their frames. */
export interface HeaderCodec {
  read(block: Buffer): Promise<ReadonlyMap<string, string>>;
  /** An empty header block. */
  writeEmpty(): Promise<Buffer>;
  close(): void;
}

export function createHeaderCodec(): HeaderCodec {
  const options = { dictionary: headerDictionary(), flush: zlib.constants.Z_SYNC_FLUSH };
  const inflate = zlib.createInflate(options);
  const deflate = zlib.createDeflate(options);
  return {
    read: async (block) => parse(await pass(inflate, block)),
    writeEmpty: () => pass(deflate, Buffer.alloc(4)),
    close() {
      inflate.close();
      deflate.close();
    },
  };
}

function pass(codec: zlib.Inflate | zlib.Deflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const collect = (part: Buffer) => {
      size += part.length;
      if (size > MAX_HEADERS_BYTES) done(new Error('SPDY headers are too large'));
      else parts.push(part);
    };
    const done = (error?: Error | null) => {
      codec.off('data', collect);
      codec.off('error', done);
      if (error) reject(error);
      else resolve(Buffer.concat(parts));
    };
    codec.on('data', collect);
    codec.once('error', done);
    codec.write(input, done);
  });
}

function parse(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  const count = block.readUInt32BE(0);
  if (count > MAX_HEADERS) throw new Error('too many SPDY headers');
  let offset = 4;
  const text = () => {
    const length = block.readUInt32BE(offset);
    const value = block.toString('utf8', offset + 4, offset + 4 + length);
    offset += 4 + length;
    return value;
  };
  for (let position = 0; position < count; position++) {
    const name = text();
    headers.set(name, text());
  }
  return headers;
}
