/** What a client hello is made of; every part may be wrong. */
export interface HelloParts {
  readonly serverName?: string;
  readonly protocols?: readonly string[];
  /** Type and value; behind those of name and protocols. */
  readonly extensions?: readonly (readonly [number, Buffer])[];
  readonly version?: number;
  readonly sessionId?: Buffer;
  readonly ciphers?: Buffer;
  readonly compressions?: Buffer;
  /** Leaves the list of extensions out. */
  readonly bare?: boolean;
  /** Behind the end of the body. */
  readonly trailer?: Buffer;
  readonly type?: number;
}

/** `bytes` behind their length in so many bytes. */
export function prefixed(size: number, bytes: Buffer): Buffer {
  const length = Buffer.alloc(size);
  length.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([length, bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** The value of a server name extension. */
export function serverNameExtension(...names: readonly (readonly [number, string])[]): Buffer {
  const list = names.map(([type, name]) =>
    Buffer.concat([Buffer.from([type]), prefixed(2, Buffer.from(name, 'latin1'))]),
  );
  return prefixed(2, Buffer.concat(list));
}

/** The value of an ALPN extension. */
export function alpnExtension(protocols: readonly string[]): Buffer {
  return prefixed(2, Buffer.concat(protocols.map((one) => prefixed(1, Buffer.from(one, 'latin1')))));
}

/** The handshake message, without records around it. */
export function helloMessage(parts: HelloParts = {}): Buffer {
  const { serverName, protocols, extensions = [], type = 1 } = parts;
  const all: (readonly [number, Buffer])[] = [
    ...(serverName === undefined ? [] : [[0, serverNameExtension([0, serverName])] as const]),
    ...(protocols === undefined ? [] : [[16, alpnExtension(protocols)] as const]),
    ...extensions,
  ];
  const body = Buffer.concat([
    number(parts.version ?? 0x0303),
    Buffer.alloc(32, 7),
    prefixed(1, parts.sessionId ?? Buffer.alloc(32, 9)),
    prefixed(2, parts.ciphers ?? Buffer.from([0x13, 0x01, 0xc0, 0x2f])),
    prefixed(1, parts.compressions ?? Buffer.from([0])),
    ...(parts.bare
      ? []
      : [prefixed(2, Buffer.concat(all.map(([id, value]) => Buffer.concat([number(id), prefixed(2, value)]))))]),
    parts.trailer ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([Buffer.from([type]), prefixed(3, body)]);
}

/** The message in records of `size` bytes at most. */
export function inRecords(message: Buffer, size = 16_384, type = 22, version = 0x0301): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const header = Buffer.concat([Buffer.from([type]), number(version)]);
    records.push(Buffer.concat([header, prefixed(2, message.subarray(at, at + size))]));
  }
  return Buffer.concat(records);
}

/** A client hello as it is sent. */
export function clientHello(parts: HelloParts = {}): Buffer {
  return inRecords(helloMessage(parts));
}
