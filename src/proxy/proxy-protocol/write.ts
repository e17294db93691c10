import { bytesOfIp } from './ip.ts';
import { V1_SIGNATURE, V2_SIGNATURE } from './read.ts';
import type { ProxiedEnds, Tlv } from './types.ts';

const MOST_BYTES = 0xffff;
const TLV_HEAD = 3;

/** A header of version 2 that speaks of its own connection. */
export const LOCAL_HEADER = headerOf(0x20, 0x00, []);

/** A header of version 1. Ends that are no IP addresses are not told. */
export function writeLine({ source, destination }: ProxiedEnds): Buffer {
  const from = bytesOfIp(source.address);
  if (!from || !bytesOfIp(destination.address)) return Buffer.from(`${V1_SIGNATURE}UNKNOWN\r\n`);
  const family = from.length === 4 ? 'TCP4' : 'TCP6';
  const ends = `${source.address} ${destination.address} ${source.port} ${destination.port}`;
  return Buffer.from(`${V1_SIGNATURE}${family} ${ends}\r\n`);
}

/** A header of version 2 and whether all TLVs had room; undefined: the ends are no IP addresses of one family. */
export function writeBinary(
  ends: ProxiedEnds,
  tlvs: readonly Tlv[],
): { readonly bytes: Buffer; readonly whole: boolean } | undefined {
  const addresses = addressBlock(ends);
  if (!addresses) return undefined;
  const { parts, whole } = fitting(tlvs, addresses.length);
  const family = addresses.length === 12 ? 0x11 : 0x21;
  return { bytes: headerOf(0x21, family, [addresses, ...parts]), whole };
}

function headerOf(command: number, family: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([V2_SIGNATURE, Buffer.from([command, family, body.length >> 8, body.length & 0xff]), body]);
}

function addressBlock({ source, destination }: ProxiedEnds): Buffer | undefined {
  const from = bytesOfIp(source.address);
  const to = bytesOfIp(destination.address);
  if (!from || !to || from.length !== to.length) return undefined;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return Buffer.concat([from, to, ports]);
}

/** Those that fit in one header, in their order. */
function fitting(tlvs: readonly Tlv[], used: number): { readonly parts: readonly Buffer[]; readonly whole: boolean } {
  const parts: Buffer[] = [];
  let left = MOST_BYTES - used;
  for (const { type, value } of tlvs) {
    if (value.length + TLV_HEAD > left) continue;
    left -= value.length + TLV_HEAD;
    parts.push(Buffer.from([type, value.length >> 8, value.length & 0xff]), value);
  }
  return { parts, whole: parts.length === 2 * tlvs.length };
}
