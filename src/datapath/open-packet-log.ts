import { fail, type Issue, type Logger, ok, type Result } from '../base/index.ts';
import type { PacketEvent } from '../model/flow/index.ts';
import { interfaceNameOf, openLogSocket } from '../sys/index.ts';
import { logGroup } from './marks.ts';
import { createPacketLogParser } from './packet-log.ts';

export interface PacketLog {
  close(): void;
}

const copyBytes = 128;
const namesMax = 4096;

/** Reads the ruleset's log group in this network namespace and adds the rules behind verdicts and drops. */
export function openPacketLog(options: {
  readonly log: Logger;
  readonly onPacket: (event: PacketEvent) => void;
  readonly onLost?: (count: number) => void;
  readonly rulesOf: (event: PacketEvent) => readonly string[] | undefined;
}): Result<PacketLog, Issue[]> {
  const { log, onPacket, onLost, rulesOf } = options;
  const parser = createPacketLogParser({
    onPacket: (event) => {
      const rules = event.kind === 'trace' ? undefined : rulesOf(event);
      onPacket(rules ? { ...event, rules } : event);
    },
    onLost: (count) => onLost?.(count),
    interfaceName: createNameCache(),
    nowNs: wallClock(),
  });
  try {
    const socket = openLogSocket(
      logGroup,
      copyBytes,
      (datagram) => parser.parse(datagram),
      (error) => log.error({ error: error.message }, 'packet log ended, flows of packets are missing from now on'),
    );
    return ok(socket);
  } catch (error) {
    return fail([{ path: 'packet log', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Interface numbers are never used again in a namespace, so a name once read stays true. */
function createNameCache(): (index: number) => string | undefined {
  const names = new Map<number, string | undefined>();
  return (index) => {
    if (names.has(index)) return names.get(index);
    if (names.size >= namesMax) names.clear();
    const name = interfaceNameOf(index);
    names.set(index, name);
    return name;
  };
}

/** The wall clock in nanoseconds, whose fine part Node only has as a time since its start. */
function wallClock(): () => bigint {
  return () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
