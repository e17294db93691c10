import { bytesOfIp, isUnicast, textOfIp } from './ip.ts';
import type { ProxiedEnds, ProxyHeader, Tlv } from './types.ts';

export const V1_SIGNATURE = Buffer.from('PROXY ');
export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** What there is of a header of version 2 before its addresses. */
const V2_FIXED = 16;
/** As long as Envoy lets a header of version 1 be, its end included; the specification says 107. */
const MAX_LINE = 108;
/** So far Envoy looks for the end of a line. */
const LOOK_FOR_LINE = V2_FIXED + 216;

/** `more`: the bytes may become a header; `absent`: they are none. */
export type Version = 1 | 2 | 'more' | 'absent';

/** The version of the header that the bytes begin with. That of a line is known with its end. */
export function versionOf(bytes: Buffer): Version {
  if (bytes.length >= V2_FIXED) {
    if (startsWith(bytes, V2_SIGNATURE)) return 2;
    if (!startsWith(bytes, V1_SIGNATURE)) return 'absent';
  }
  const end = lineEnd(bytes);
  if (end > 2) return 1;
  return end === 0 && bytes.length > MAX_LINE ? 'absent' : 'more';
}

/** Whether the bytes, as far as they go, are those of the signature. */
export function mayStartWith(bytes: Buffer, signature: Buffer): boolean {
  const shared = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, shared, 0, shared) === 0;
}

function startsWith(bytes: Buffer, signature: Buffer): boolean {
  return bytes.length >= signature.length && mayStartWith(bytes, signature);
}

/** Where the first line is over; 0: nowhere yet. */
function lineEnd(bytes: Buffer): number {
  const at = bytes.subarray(0, LOOK_FOR_LINE).indexOf('\r\n');
  return at < 0 ? 0 : at + 2;
}

/**
 * The header of a version that `versionOf` told, as Envoy's listener filter reads it: also UDP, and addresses only of IP and of single machines.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export function readProxyHeader(bytes: Buffer, version: 1 | 2): ProxyHeader | 'more' | 'broken' {
  return version === 1 ? readLine(bytes) : readBinary(bytes);
}

function readLine(bytes: Buffer): ProxyHeader | 'broken' {
  const length = lineEnd(bytes);
  if (length > MAX_LINE) return 'broken';
  const line = bytes.toString('latin1', 0, length).replace(/[ \t\v\f\r\n]+$/, '');
  const [word, family, source, destination, sourcePort, destinationPort, ...rest] = line.split(' ');
  if (word !== 'PROXY' || family === undefined) return 'broken';
  if (family === 'UNKNOWN') return { version: 1, length, ends: undefined, tlvs: [] };
  const size = family === 'TCP4' ? 4 : family === 'TCP6' ? 16 : 0;
  if (size === 0 || destinationPort === undefined || rest.length > 0) return 'broken';
  const ends = endsOf(
    bytesOfIp(source ?? ''),
    bytesOfIp(destination ?? ''),
    [readPort(sourcePort ?? ''), readPort(destinationPort)],
    size,
  );
  return ends ? { version: 1, length, ends, tlvs: [] } : 'broken';
}

/** A decimal number; what Envoy's number parser passes over is passed over. */
function readPort(text: string): number {
  const digits = /^[\t\v\f\r\n]*\+?(\d+)[\t\v\f\r\n]*$/.exec(text)?.[1];
  return digits === undefined ? Number.NaN : Number(digits);
}

function endsOf(
  source: Buffer | undefined,
  destination: Buffer | undefined,
  [sourcePort, destinationPort]: readonly [number, number],
  size: number,
): ProxiedEnds | undefined {
  if (source?.length !== size || destination?.length !== size) return undefined;
  if (!isUnicast(source) || !isUnicast(destination)) return undefined;
  if (!(sourcePort <= 65_535) || !(destinationPort <= 65_535)) return undefined;
  return {
    source: { address: textOfIp(source), port: sourcePort },
    destination: { address: textOfIp(destination), port: destinationPort },
  };
}

const COMMAND_LOCAL = 0;
const COMMAND_PROXY = 1;
/** Bytes of one address by family: IPv4, IPv6. */
const ADDRESS_SIZES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

function readBinary(bytes: Buffer): ProxyHeader | 'more' | 'broken' {
  const versionAndCommand = bytes[V2_SIGNATURE.length] as number;
  const family = bytes[V2_SIGNATURE.length + 1] as number;
  const length = V2_FIXED + bytes.readUInt16BE(V2_FIXED - 2);
  const command = versionAndCommand & 0xf;
  if (versionAndCommand >> 4 !== 2) return 'broken';
  if (command === COMMAND_LOCAL)
    return bytes.length < length ? 'more' : { version: 2, length, ends: undefined, tlvs: [] };
  const size = ADDRESS_SIZES[family >> 4];
  const transport = family & 0xf;
  if (size === undefined || length < V2_FIXED + 2 * size + 4) return 'broken';
  if (command !== COMMAND_PROXY || transport < 1 || transport > 2) return 'broken';
  if (bytes.length < length) return 'more';
  const at = V2_FIXED + 2 * size;
  const ends = endsOf(
    bytes.subarray(V2_FIXED, V2_FIXED + size),
    bytes.subarray(V2_FIXED + size, at),
    [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)],
    size,
  );
  const tlvs = readTlvs(bytes, at + 4, length);
  return ends && tlvs ? { version: 2, length, ends, tlvs } : 'broken';
}

/** Undefined when they do not end with the header. */
function readTlvs(bytes: Buffer, start: number, end: number): readonly Tlv[] | undefined {
  const tlvs: Tlv[] = [];
  for (let at = start; at < end; ) {
    if (end - at < 3) return undefined;
    const value = at + 3;
    const next = value + bytes.readUInt16BE(at + 1);
    if (next > end) return undefined;
    tlvs.push({ type: bytes[at] as number, value: bytes.subarray(value, next) });
    at = next;
  }
  return tlvs;
}
