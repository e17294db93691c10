import { parseIp } from '../../base/index.ts';

/** A type of up to 255 and its value. */
export type TlvPart = readonly [number, Buffer | string];

export interface V2Parts {
  /** Default 2. */
  readonly version?: number;
  /** 0 is LOCAL, 1 PROXY; the default. */
  readonly command?: number;
  /** Family and transport; default by the source, over TCP. */
  readonly family?: number;
  /** Default 10.1.2.3. */
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** In the place of the addresses. */
  readonly body?: Buffer;
  readonly tlvs?: readonly TlvPart[];
  /** What the header says of the length; default what it is. */
  readonly length?: number;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of version 2 of the PROXY protocol, as broken as its parts say. */
export function proxyHeader(parts: V2Parts = {}): Buffer {
  const { version = 2, command = 1, source = '10.1.2.3', tlvs = [] } = parts;
  const family = parts.family ?? (source.includes(':') ? 0x21 : 0x11);
  const body = Buffer.concat([parts.body ?? addressBlock(parts), ...tlvs.map(tlv)]);
  const head = Buffer.from([(version << 4) | command, family, 0, 0]);
  head.writeUInt16BE(parts.length ?? body.length, 2);
  return Buffer.concat([SIGNATURE, head, body]);
}

function addressBlock(parts: V2Parts): Buffer {
  const { source = '10.1.2.3', destination = source.includes(':') ? '2001:db8::2' : '10.4.5.6' } = parts;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(parts.sourcePort ?? 1111, 0);
  ports.writeUInt16BE(parts.destinationPort ?? 2222, 2);
  return Buffer.concat([addressBytes(source), addressBytes(destination), ports]);
}

function tlv([type, value]: TlvPart): Buffer {
  const bytes = Buffer.from(value as string, 'latin1');
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function addressBytes(text: string): Buffer {
  const { address, bits } = parseIp(text) ?? { address: 0n, bits: 32 };
  return Buffer.from(address.toString(16).padStart(bits / 4, '0'), 'hex');
}
