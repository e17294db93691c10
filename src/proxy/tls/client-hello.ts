import type { ClientHello } from '../http/stream-info.ts';

/** What the bytes of a connection begin with: a client hello, something else, or too few bytes to tell. */
export type ReadHello = OfferedHello | 'other' | 'more';

export interface OfferedHello extends ClientHello {
  /** Its `legacy_version` is one from TLS 1.0 to TLS 1.3. */
  readonly knownVersion: boolean;
}

const RECORD_HEADER = 5;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** A record's payload, and what BoringSSL grants one on top before it gives up (RFC 8446, 5.1 and 5.2). */
const MAX_PLAIN = 16_384;
const MAX_RECORD = MAX_PLAIN + 320;
const MAX_HELLO = 16_384;
const MAX_EMPTY_RECORDS = 32;
const SERVER_NAME = 0;
const ALPN = 16;
const TLS_1_0 = 0x0301;
const TLS_1_3 = 0x0304;
const MAX_NAME = 255;

/**
 * Reads the client hello at the start of a connection, as BoringSSL does for Envoy's `tls_inspector`: it may be spread over
 * records and those over packets. What is no TLS is told by the first record's header.
 */
export class ClientHelloReader {
  /** Where the next record begins. */
  #at = 0;
  #emptyRecords = 0;
  #hello: Buffer = Buffer.alloc(0);

  /** `bytes` are all that have come so far, those of earlier calls included. */
  read(bytes: Buffer): ReadHello {
    while (bytes.length - this.#at >= RECORD_HEADER) {
      const length = bytes.readUInt16BE(this.#at + 3);
      if (bytes[this.#at] !== HANDSHAKE || bytes[this.#at + 1] !== 3 || length > MAX_RECORD) return 'other';
      const end = this.#at + RECORD_HEADER + length;
      if (bytes.length < end) return 'more';
      if (length > MAX_PLAIN) return 'other';
      if (length === 0 && ++this.#emptyRecords > MAX_EMPTY_RECORDS) return 'other';
      this.#hello = Buffer.concat([this.#hello, bytes.subarray(this.#at + RECORD_HEADER, end)]);
      this.#at = end;
      const found = readMessage(this.#hello);
      if (found !== 'more') return found;
    }
    return 'more';
  }
}

function readMessage(bytes: Buffer): ReadHello {
  if (bytes.length < 4) return 'more';
  const length = bytes.readUIntBE(1, 3);
  if (length > MAX_HELLO) return 'other';
  if (bytes.length < 4 + length) return 'more';
  if (bytes[0] !== CLIENT_HELLO) return 'other';
  return readHello(new Cursor(bytes.subarray(4, 4 + length))) ?? 'other';
}

/** Undefined where a length is wrong. */
function readHello(body: Cursor): OfferedHello | undefined {
  const version = body.number(2);
  // The client's random.
  body.take(32);
  const session = body.prefixed(1);
  const ciphers = body.prefixed(2);
  const compressions = body.prefixed(1);
  if (session.length > 32 || ciphers.length < 2 || ciphers.length % 2 !== 0 || compressions.length < 1)
    return undefined;
  if (body.broken) return undefined;
  const extensions = body.atEnd ? new Map<number, Buffer>() : readExtensions(body);
  if (!extensions || body.broken || !body.atEnd) return undefined;
  const named = extensions.get(SERVER_NAME);
  const serverName = named ? readServerName(new Cursor(named)) : '';
  if (serverName === undefined) return undefined;
  const asked = extensions.get(ALPN);
  const protocols = asked ? readProtocols(new Cursor(asked)) : [];
  return { serverName, protocols, knownVersion: version >= TLS_1_0 && version <= TLS_1_3 };
}

function readExtensions(body: Cursor): ReadonlyMap<number, Buffer> | undefined {
  const list = new Cursor(body.prefixed(2));
  const extensions = new Map<number, Buffer>();
  while (!list.atEnd && !list.broken) {
    const type = list.number(2);
    const value = list.prefixed(2);
    // One that stands twice is a fault: else two readers could see two names.
    if (extensions.has(type)) return undefined;
    extensions.set(type, value);
  }
  return list.broken ? undefined : extensions;
}

/** A list with one host name (RFC 6066, 3); undefined: anything else. */
function readServerName(extension: Cursor): string | undefined {
  const list = new Cursor(extension.prefixed(2));
  const type = list.number(1);
  const name = list.prefixed(2);
  if (extension.broken || !extension.atEnd || list.broken || !list.atEnd) return undefined;
  if (type !== 0 || name.length === 0 || name.length > MAX_NAME || name.includes(0)) return undefined;
  return name.toString('latin1').toLowerCase();
}

/** Nothing where the list is malformed: the server at the other end will say so. */
function readProtocols(extension: Cursor): readonly string[] {
  const list = new Cursor(extension.prefixed(2));
  if (extension.broken || !extension.atEnd) return [];
  const protocols: string[] = [];
  while (!list.atEnd) {
    const name = list.prefixed(1);
    if (list.broken || name.length === 0) return [];
    protocols.push(name.toString('latin1'));
  }
  return protocols;
}

/** Reads on in some bytes; past their end there is nothing, and it notes that. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  broken = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) {
      this.broken = true;
      this.#at = this.#bytes.length;
      return Buffer.alloc(0);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A number of so many bytes, 0 past the end. */
  number(size: number): number {
    const bytes = this.take(size);
    return bytes.length === size ? bytes.readUIntBE(0, size) : 0;
  }

  /** Bytes behind a length of so many bytes. */
  prefixed(size: number): Buffer {
    return this.take(this.number(size));
  }
}
