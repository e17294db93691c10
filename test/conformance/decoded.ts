import zlib from 'node:zlib';

interface Message {
  readonly headers: readonly string[];
  readonly body: string;
}

/**
 * What a body says whatever it looks like: two builds of a library make other bytes of it, in other chunks. What breaks off is decoded as
 * far as it goes; what its `content-encoding` does not fit stays as it is, and says so.
 */
export function decoded<T extends Message>(message: T): T {
  const body = message.headers.some((header) => /^transfer-encoding:.*chunked/i.test(header))
    ? unchunked(message.body)
    : message.body;
  const coding = message.headers.flatMap((header) => /^content-encoding: *(\w+)$/i.exec(header)?.[1] ?? [])[0];
  return { ...message, body: coding === undefined || body === '' ? body : inflated(coding, body) };
}

/** The chunks together, and what follows them. */
function unchunked(body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    if (line < 0 || Number.isNaN(size)) return `${text} then ${JSON.stringify(body.slice(at))}`;
    if (size === 0) return text + body.slice(line + 2).replace(/\r\n$/, '');
    text += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return text;
}

function inflated(coding: string, body: string): string {
  const bytes = Buffer.from(body, 'latin1');
  try {
    return `${coding} of ${inflate(coding, bytes).toString('latin1')}`;
  } catch (error) {
    return `no ${coding} (${error instanceof Error ? error.message : String(error)}): ${body}`;
  }
}

function inflate(coding: string, bytes: Buffer): Buffer {
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants;
  switch (coding) {
    case 'gzip':
      return zlib.gunzipSync(bytes, { finishFlush: Z_SYNC_FLUSH });
    case 'br':
      return zlib.brotliDecompressSync(bytes, { finishFlush: BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return zlib.zstdDecompressSync(bytes, { finishFlush: ZSTD_e_flush });
    default:
      return bytes;
  }
}
