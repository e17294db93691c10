import { formatIp } from '../../base/index.ts';
import { type FlowIp, IpVersion, type Layer4, type TcpFlags } from '../../model/flow/index.ts';
import { icmpText } from './icmp-names.ts';

/** What a packet's headers say, in the words of a flow. */
export interface ParsedPacket {
  readonly ip: FlowIp;
  readonly l4?: Layer4;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly summary: string;
}

interface Network {
  readonly ip: FlowIp;
  readonly protocol: number;
  readonly payload: number;
}

/**
 * Parses a packet from its IP header on, cut anywhere after it. Undefined when there is no whole IP header.
 * What is cut off is left out: a TCP header without its flags byte gives ports alone, later fragments no ports.
 */
export function parsePacket(packet: Uint8Array): ParsedPacket | undefined {
  const network = parseNetwork(packet);
  if (!network) return undefined;
  const { ip, protocol, payload } = network;
  const bytes = packet.subarray(payload);
  switch (protocol) {
    case 6:
      return bytes.length < 4 ? bare(ip) : tcp(ip, bytes);
    case 17:
      return bytes.length < 4 ? bare(ip) : ports(ip, 'UDP', bytes);
    case 132:
      return bytes.length < 4 ? bare(ip) : ports(ip, 'SCTP', bytes);
    case 1:
      return bytes.length < 2 ? bare(ip) : icmp(ip, 'ICMPv4', bytes);
    case 58:
      return bytes.length < 2 ? bare(ip) : icmp(ip, 'ICMPv6', bytes);
    default:
      return bare(ip);
  }
}

function parseNetwork(packet: Uint8Array): Network | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return parseIpv4(packet);
  return version === 6 ? parseIpv6(packet) : undefined;
}

function parseIpv4(packet: Uint8Array): Network | undefined {
  const headerLength = (at(packet, 0) & 15) * 4;
  if (packet.length < 20 || headerLength < 20) return undefined;
  const laterFragment = (uint16(packet, 6) & 0x1fff) !== 0;
  const ip: FlowIp = { source: ipv4Text(packet, 12), destination: ipv4Text(packet, 16), ipVersion: IpVersion.IPv4 };
  return { ip, protocol: laterFragment ? -1 : at(packet, 9), payload: headerLength };
}

const hopByHop = 0;
const routing = 43;
const fragment = 44;
const destinationOptions = 60;
const maxExtensionHeaders = 8;

function parseIpv6(packet: Uint8Array): Network | undefined {
  if (packet.length < 40) return undefined;
  const ip: FlowIp = { source: ipv6Text(packet, 8), destination: ipv6Text(packet, 24), ipVersion: IpVersion.IPv6 };
  let protocol = at(packet, 6);
  let payload = 40;
  for (let count = 0; count < maxExtensionHeaders && packet.length >= payload + 8; count++) {
    if (protocol === fragment) {
      if ((uint16(packet, payload + 2) & 0xfff8) !== 0) return { ip, protocol: -1, payload };
      protocol = at(packet, payload);
      payload += 8;
    } else if (protocol === hopByHop || protocol === routing || protocol === destinationOptions) {
      protocol = at(packet, payload);
      payload += (at(packet, payload + 1) + 1) * 8;
    } else break;
  }
  return { ip, protocol, payload };
}

function bare(ip: FlowIp): ParsedPacket {
  return { ip, sourcePort: 0, destinationPort: 0, summary: ip.ipVersion === IpVersion.IPv6 ? 'IPv6' : 'IPv4' };
}

/** In the order in which Hubble prints them; `bit` in the header's flags word. */
const flagBits: readonly (readonly [name: keyof TcpFlags, bit: number])[] = [
  ['SYN', 0x002],
  ['ACK', 0x010],
  ['RST', 0x004],
  ['FIN', 0x001],
  ['PSH', 0x008],
  ['URG', 0x020],
  ['ECE', 0x040],
  ['CWR', 0x080],
  ['NS', 0x100],
];

interface FlagReading {
  readonly flags: TcpFlags;
  readonly summary: string;
}

const flagReadings = new Map<number, FlagReading>();

/** Flags and their text, kept per combination: there are 512 of them and a handful is used. */
function readFlags(word: number): FlagReading {
  const known = flagReadings.get(word);
  if (known) return known;
  const names = flagBits.filter(([, bit]) => (word & bit) !== 0).map(([name]) => name);
  const flags: TcpFlags = Object.fromEntries(names.map((name) => [name, true]));
  const reading = { flags, summary: names.length === 0 ? 'TCP' : `TCP Flags: ${names.join(', ')}` };
  flagReadings.set(word, reading);
  return reading;
}

function tcp(ip: FlowIp, bytes: Uint8Array): ParsedPacket {
  const sourcePort = uint16(bytes, 0);
  const destinationPort = uint16(bytes, 2);
  const both = { source_port: sourcePort, destination_port: destinationPort };
  if (bytes.length < 14) return { ip, l4: { TCP: both }, sourcePort, destinationPort, summary: 'TCP' };
  const { flags, summary } = readFlags(uint16(bytes, 12) & 0x1ff);
  return { ip, l4: { TCP: { ...both, flags } }, sourcePort, destinationPort, summary };
}

function ports(ip: FlowIp, protocol: 'UDP' | 'SCTP', bytes: Uint8Array): ParsedPacket {
  const sourcePort = uint16(bytes, 0);
  const destinationPort = uint16(bytes, 2);
  const both = { source_port: sourcePort, destination_port: destinationPort };
  return { ip, l4: { [protocol]: both }, sourcePort, destinationPort, summary: protocol };
}

function icmp(ip: FlowIp, protocol: 'ICMPv4' | 'ICMPv6', bytes: Uint8Array): ParsedPacket {
  const type = at(bytes, 0);
  const code = at(bytes, 1);
  const summary = `${protocol} ${icmpText(protocol === 'ICMPv4' ? 4 : 6, type, code)}`;
  return { ip, l4: { [protocol]: { type, code } }, sourcePort: 0, destinationPort: 0, summary };
}

function at(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function uint16(bytes: Uint8Array, offset: number): number {
  return (at(bytes, offset) << 8) | at(bytes, offset + 1);
}

const ipv4Texts = new Map<number, string>();
const mostTexts = 10_000;

/** Kept per address: the same few come again and again, and a text that is known needs no hash to be looked up by. */
function ipv4Text(bytes: Uint8Array, offset: number): string {
  const address = (uint16(bytes, offset) << 16) | uint16(bytes, offset + 2);
  const known = ipv4Texts.get(address);
  if (known !== undefined) return known;
  const text = `${at(bytes, offset)}.${at(bytes, offset + 1)}.${at(bytes, offset + 2)}.${at(bytes, offset + 3)}`;
  if (ipv4Texts.size >= mostTexts) ipv4Texts.clear();
  ipv4Texts.set(address, text);
  return text;
}

function ipv6Text(bytes: Uint8Array, offset: number): string {
  let address = 0n;
  for (let index = 0; index < 16; index++) address = (address << 8n) | BigInt(at(bytes, offset + index));
  return formatIp({ bits: 128, address });
}
