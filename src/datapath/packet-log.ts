import type { ObservationPoint, PacketEvent } from '../model/flow/index.ts';
import { logMessageType } from '../sys/index.ts';

/** What the ruleset says about a packet, in the prefix of its log statement. */
type Prefix = Omit<PacketEvent, 'timeNs' | 'packet' | 'sourceMac' | 'interfaceName'>;

/** Attributes of `linux/netfilter/nfnetlink_log.h`. */
const attribute = {
  timestamp: 3,
  inInterface: 4,
  outInterface: 5,
  hardwareAddress: 8,
  payload: 9,
  prefix: 10,
  sequence: 12,
};
const attributeMask = 0x3fff;

/** A packet without the kernel's own time was logged at most this long before it was read, see the gather time of the log socket. */
const gatherNs = 20_000_000n;

export interface PacketLogParser {
  /** Takes one netlink datagram; it is copied from, not kept. */
  parse(datagram: Buffer): void;
}

export interface PacketLogOptions {
  readonly onPacket: (event: PacketEvent) => void;
  /** Packets that the kernel could not hand over, by gaps in its numbering. */
  readonly onLost: (count: number) => void;
  readonly interfaceName: (index: number) => string | undefined;
  readonly nowNs: () => bigint;
}

/**
 * Turns netlink log datagrams into events. Events come in the kernel's order with times that never go back: late hooks carry no
 * time of their own and get that of the packet before them, which is as a rule the same packet at an earlier hook.
 */
export function createPacketLogParser({ onPacket, onLost, interfaceName, nowNs }: PacketLogOptions): PacketLogParser {
  let nextSequence: number | undefined;
  let lastTimeNs = 0n;

  function message(bytes: Buffer, end: number, start: number, arrivedNs: bigint): void {
    const fields = readFields(bytes, start, end);
    if (fields.sequence !== undefined) {
      if (nextSequence !== undefined && fields.sequence > nextSequence) onLost(fields.sequence - nextSequence);
      nextSequence = (fields.sequence + 1) >>> 0;
    }
    const said = fields.prefix === undefined ? undefined : parsePrefix(fields.prefix);
    if (!said || !fields.packet) return;
    const own = fields.timeNs ?? (arrivedNs - lastTimeNs < gatherNs ? lastTimeNs : arrivedNs);
    lastTimeNs = own > lastTimeNs ? own : lastTimeNs;
    const name = fields.interfaceIndex === undefined ? undefined : interfaceName(fields.interfaceIndex);
    onPacket({
      ...said,
      timeNs: lastTimeNs,
      packet: fields.packet,
      ...(fields.sourceMac !== undefined && { sourceMac: fields.sourceMac }),
      ...(name !== undefined && { interfaceName: name }),
    });
  }

  return {
    parse(datagram) {
      const arrivedNs = nowNs();
      let offset = 0;
      while (offset + 20 <= datagram.length) {
        const length = datagram.readUInt32LE(offset);
        if (length < 20 || offset + length > datagram.length) return;
        if (datagram.readUInt16LE(offset + 4) === logMessageType)
          message(datagram, offset + length, offset + 20, arrivedNs);
        offset += (length + 3) & ~3;
      }
    },
  };
}

interface Fields {
  prefix?: string;
  packet?: Uint8Array;
  timeNs?: bigint;
  sequence?: number;
  interfaceIndex?: number;
  sourceMac?: string;
}

function readFields(bytes: Buffer, start: number, end: number): Fields {
  const fields: Fields = {};
  let outInterface: number | undefined;
  for (let at = start; at + 4 <= end; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > end) break;
    const value = at + 4;
    switch (bytes.readUInt16LE(at + 2) & attributeMask) {
      case attribute.timestamp:
        fields.timeNs = bytes.readBigUInt64BE(value) * 1_000_000_000n + bytes.readBigUInt64BE(value + 8) * 1000n;
        break;
      case attribute.inInterface:
        fields.interfaceIndex = bytes.readUInt32BE(value);
        break;
      case attribute.outInterface:
        outInterface = bytes.readUInt32BE(value);
        break;
      case attribute.hardwareAddress:
        if (bytes.readUInt16BE(value) === 6)
          fields.sourceMac = bytes.toString('hex', value + 4, value + 10).replace(/..(?=.)/g, '$&:');
        break;
      case attribute.payload:
        fields.packet = transportHeaderOnly(bytes.subarray(value, at + length));
        break;
      case attribute.prefix:
        fields.prefix = bytes.toString('latin1', value, at + length - 1);
        break;
      case attribute.sequence:
        fields.sequence = bytes.readUInt32BE(value);
        break;
      default:
    }
    at += (length + 3) & ~3;
  }
  const index = fields.interfaceIndex ?? outInterface;
  return index === undefined ? fields : { ...fields, interfaceIndex: index };
}

/** A copy without application data. */
function transportHeaderOnly(packet: Buffer): Uint8Array {
  const ipLength = ((packet[0] ?? 0) & 15) * 4;
  const protocol = packet[9];
  const transport = protocol === 6 ? ((packet[ipLength + 12] ?? 0x50) >> 4) * 4 : 8;
  return Uint8Array.prototype.slice.call(packet, 0, Math.min(packet.length, ipLength + transport));
}

const parsed = new Map<string, Prefix | undefined>();

/** The ruleset writes a fixed number of prefixes (one per proxy port more), so each is parsed once. */
function parsePrefix(text: string): Prefix | undefined {
  if (parsed.has(text)) return parsed.get(text);
  const prefix = readPrefix(text.split(' '));
  if (parsed.size < 10_000) parsed.set(text, prefix);
  return prefix;
}

function readPrefix(words: readonly string[]): Prefix | undefined {
  const [kind, first = '', second = '', third = '', fourth] = words;
  const directionOf = (word: string | undefined): Pick<Prefix, 'direction'> =>
    word === 'egress' || word === 'ingress' ? { direction: word } : {};
  switch (kind) {
    case 'trace':
      return { kind, point: first as ObservationPoint, ...connectionOf(second), ...directionOf(third) };
    case 'drop':
      return { kind, dropReason: Number(first), ...directionOf(second) };
    case 'verdict':
      return {
        kind: 'policy-verdict',
        verdict: first as NonNullable<Prefix['verdict']>,
        ...directionOf(second),
        matchType: Number(third),
        ...(first === 'denied' ? {} : { reply: false }),
        ...(fourth !== undefined && { proxyPort: Number(fourth) }),
      };
    default:
      return undefined;
  }
}

function connectionOf(word: string): Pick<Prefix, 'connection' | 'reply'> {
  switch (word) {
    case 'new':
    case 'established':
    case 'related':
      return { connection: word, reply: false };
    case 'reply':
      return { connection: word, reply: true };
    default:
      return {};
  }
}
