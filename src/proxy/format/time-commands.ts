import { fail, ok } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { wallNow } from '../time/clock.ts';
import type { CommandKind } from './command.ts';
import { formatTime } from './time.ts';

/** Undefined: there is no such time. */
function timeKind(timeOf: (info: StreamInfo) => number | undefined, local = false): CommandKind {
  return {
    argument: 'optional',
    length: false,
    make: (pattern) => {
      if (/%[-_0^#]*[1-9]*[EO]?n/.test(pattern)) {
        return fail('Invalid header configuration. Format string contains newline.');
      }
      return ok((info) => {
        const time = timeOf(info);
        return time === undefined ? undefined : formatTime(time, pattern, local);
      });
    },
  };
}

type Point = (info: StreamInfo) => number;

const POINTS: Readonly<Record<string, Point>> = {
  DS_RX_BEG: (info) => info.startedAt,
  DS_RX_END: (info) => info.requestEndAt,
  US_CX_BEG: (info) => info.upstreamConnection?.openedAt ?? 0,
  US_CX_END: (info) => info.upstreamConnection?.connectedAt ?? 0,
  US_TX_BEG: (info) => info.upstreamSendStartAt,
  US_TX_END: (info) => info.upstreamSendEndAt,
  US_RX_BEG: (info) => info.upstreamFirstByteAt,
  US_RX_END: (info) => info.upstreamLastByteAt,
  DS_TX_BEG: (info) => info.responseStartAt,
  DS_TX_END: (info) => (info.responseStartAt === 0 ? 0 : info.responseEndAt),
};
const UNITS: Readonly<Record<string, number>> = { ms: 1, us: 1000, ns: 1_000_000 };

function durationBetween(argument: string): ReturnType<CommandKind['make']> {
  const parts = argument.split(':');
  if (parts.length < 2 || parts.length > 3) return fail(`Invalid common duration configuration: ${argument}.`);
  const [start = '', end = '', unit = 'ms'] = parts;
  const factor = UNITS[unit];
  if (factor === undefined) return fail(`Invalid common duration precision: ${unit}.`);
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
  START_TIME_LOCAL: timeKind((info) => info.startTime, true),
  EMIT_TIME_LOCAL: timeKind(() => wallNow(), true),
  DOWNSTREAM_PEER_CERT_V_START: timeKind(({ peers }) => peers.tls?.peer?.validFromDate.getTime()),
  DOWNSTREAM_PEER_CERT_V_END: timeKind(({ peers }) => peers.tls?.peer?.validToDate.getTime()),
  UPSTREAM_PEER_CERT_V_START: timeKind(({ upstreamTls }) => upstreamTls?.peer?.validFromDate.getTime()),
  UPSTREAM_PEER_CERT_V_END: timeKind(({ upstreamTls }) => upstreamTls?.peer?.validToDate.getTime()),
  COMMON_DURATION: { argument: 'required', length: false, make: durationBetween },
};
