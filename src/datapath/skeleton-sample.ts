import { type MonitorAggregation, type TcpFlag, tcpFlags } from '../plan/index.ts';
import { sampledMark } from './marks.ts';

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/**
 * Conntrack mark bits of each direction: which TCP flags it has shown already, as they stand in the header. What is not TCP has none and uses that
 * of SYN for its first packet. The low half of the mark holds the chosen Service backend.
 */
const directions = [
  { name: 'original', shift: 16 },
  { name: 'reply', shift: 24 },
] as const;
type ConnectionDirection = (typeof directions)[number];

/** Directions of connections that were shown within the interval, at most: more are shown by their flags alone. */
const mostReported = 65_536;
const report = 'update @reported { ct id . ct direction }';
const markSampled = `meta mark set meta mark or ${hex(sampledMark)}`;

/** nft has another name for one of them. */
const flagName = (flag: TcpFlag): string => (flag === 'ece' ? 'ecn' : flag);
const hasFlag = (flag: TcpFlag): string => `tcp flags & ${flagName(flag)} == ${flagName(flag)}`;

/** The statement with which a hook marks the packets that traces show. */
export function samplingJump(level: MonitorAggregation['level']): string {
  return level === 'medium' ? 'jump sample' : 'jump sampled';
}

/**
 * The chains that mark the packets worth showing. As in Cilium a connection's first packet is, its FIN and RST, per direction the first with each of the
 * flags, and one in each interval. The set of what was shown lately drops what it has no room for: then a direction is not shown again before there is.
 */
export function sampleChains({ level, intervalSeconds, flags }: MonitorAggregation): string[] {
  const sampled = ['chain sampled {', markSampled, '}'];
  if (level !== 'medium') return sampled;
  return [
    'set reported {',
    'typeof ct id . ct direction',
    'flags dynamic,timeout',
    `timeout ${intervalSeconds}s`,
    `size ${mostReported}`,
    '}',
    ...sampled,
    'chain sample_this {',
    report,
    'goto sampled',
    '}',
    'chain sample_again {',
    'ct id . ct direction @reported return',
    `${report} ${markSampled}`,
    '}',
    ...directions.flatMap((direction) => [...otherChains(direction), ...tcpChains(direction, flags)]),
    'chain sample {',
    'ct state { invalid, untracked } goto sampled',
    'meta l4proto tcp tcp flags & (fin | rst) != 0 goto sample_this',
    ...directions.map(({ name }) => `meta l4proto tcp ct direction ${name} goto sample_tcp_${name}`),
    ...directions.map(({ name }) => `ct direction ${name} goto sample_other_${name}`),
    '}',
  ];
}

function bitOf(flag: TcpFlag, { shift }: ConnectionDirection): number {
  return 1 << (tcpFlags.indexOf(flag) + shift);
}

function otherChains(direction: ConnectionDirection): string[] {
  const bit = hex(bitOf('syn', direction));
  return [
    `chain first_other_${direction.name} {`,
    `ct mark set ct mark or ${bit}`,
    'goto sample_this',
    '}',
    `chain sample_other_${direction.name} {`,
    `ct mark & ${bit} == 0 goto first_other_${direction.name}`,
    'goto sample_again',
    '}',
  ];
}

function tcpChains(direction: ConnectionDirection, flags: readonly TcpFlag[]): string[] {
  const { name } = direction;
  return [
    `chain first_tcp_${name} {`,
    ...flags.map((flag) => `${hasFlag(flag)} ct mark set ct mark or ${hex(bitOf(flag, direction))}`),
    'goto sample_this',
    '}',
    `chain sample_tcp_${name} {`,
    ...usualPackets(direction, flags),
    ...flags.map((flag) => `${hasFlag(flag)} ct mark & ${hex(bitOf(flag, direction))} == 0 goto first_tcp_${name}`),
    'ct state new goto sample_this',
    'goto sample_again',
    '}',
  ];
}

/** Nearly all packets have these flags and no other: told first, they need not be compared with each flag. */
function usualPackets(direction: ConnectionDirection, flags: readonly TcpFlag[]): string[] {
  const usual = [['ack'], ['psh', 'ack']] as const;
  return usual.map((has) => {
    const bits = has.filter((flag) => flags.includes(flag)).map((flag) => bitOf(flag, direction));
    const mask = hex(bits.reduce((all, bit) => all | bit, 0));
    const shown = bits.length === 0 ? '' : `ct mark & ${mask} == ${mask} `;
    return `tcp flags == (${has.join(' | ')}) ${shown}goto sample_again`;
  });
}
