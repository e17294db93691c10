import { fail, ok } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { wallNow } from '../time/clock.ts';
import type { CommandKind } from './command.ts';
import { formatTime } from './time.ts';

function timeKind(timeOf: (info: StreamInfo) => number): CommandKind {
  return {
    argument: 'optional',
    length: false,
    make: (pattern) => {
      if (/%[-_0^#]*[1-9]*[EO]?n/.test(pattern)) {
        return fail('Invalid header configuration. Format string contains newline.');
      }
      return ok((info) => formatTime(timeOf(info), pattern));
    },
  };
}

type Point = (info: StreamInfo) => number;

const POINTS: Readonly<Record<string, Point>> = {
  DS_RX_BEG: (info) => info.startedAt,
  DS_RX_END: (info) => info.requestEndAt,
  US_RX_BEG: (info) => info.upstreamFirstByteAt,
  US_RX_END: (info) => info.upstreamLastByteAt,
  DS_TX_BEG: (info) => info.responseStartAt,
  DS_TX_END: (info) => (info.responseStartAt === 0 ? 0 : info.responseEndAt),
};
/** Points of time that are not taken here. */
const UNKNOWN_POINTS = new Set(['US_CX_BEG', 'US_CX_END', 'US_HS_END', 'US_TX_BEG', 'US_TX_END']);
const UNITS: Readonly<Record<string, number>> = { ms: 1, us: 1000, ns: 1_000_000 };

function durationBetween(argument: string): ReturnType<CommandKind['make']> {
  const parts = argument.split(':');
  if (parts.length < 2 || parts.length > 3) return fail(`Invalid common duration configuration: ${argument}.`);
  const [start = '', end = '', unit = 'ms'] = parts;
  const factor = UNITS[unit];
  if (factor === undefined) return fail(`Invalid common duration precision: ${unit}.`);
  const unknown = [start, end].find((name) => UNKNOWN_POINTS.has(name));
  if (unknown !== undefined)
    return fail(`COMMON_DURATION: ${unknown} is known to Envoy but not supported by ciliate-proxy`);
  const from = POINTS[start];
  const to = POINTS[end];
  // Other names are points of time that filters of Envoy set, and none has set them.
  if (!from || !to) return ok(() => undefined);
  return ok((info) => {
    const [begin, finish] = [from(info), to(info)];
    return begin === 0 || finish === 0 || finish < begin ? undefined : Math.floor((finish - begin) * factor);
  });
}

/** Commands about times. Names and meaning as in Envoy's access log documentation. */
export const TIME_COMMANDS: Readonly<Record<string, CommandKind>> = {
  START_TIME: timeKind((info) => info.startTime),
  EMIT_TIME: timeKind(() => wallNow()),
  COMMON_DURATION: { argument: 'required', length: false, make: durationBetween },
};
