import { fail, ok, type Result } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Command } from './plain-commands.ts';

const points: Readonly<Record<string, (info: StreamInfo) => number>> = {
  DS_RX_BEG: (info) => info.startedAt,
  DS_RX_END: (info) => info.requestEndAt,
  US_RX_BEG: (info) => info.upstreamFirstByteAt,
  US_RX_END: (info) => info.upstreamLastByteAt,
  DS_TX_BEG: (info) => info.responseStartAt,
  DS_TX_END: (info) => info.responseEndAt,
};
const factors: Readonly<Record<string, number>> = { ms: 1, us: 1e3, ns: 1e6 };

/** `COMMON_DURATION(FROM:TO:PRECISION)`: from one point in a request's life to another; absent while one of them is. */
export function compileDuration(argument: string | undefined): Result<Command, string> {
  if (!argument) return fail('COMMON_DURATION requires parameters');
  const [from = '', to = '', precision = 'ms', more] = argument.split(':');
  if (to === '' || more !== undefined) return fail(`Invalid common duration configuration: ${argument}.`);
  const factor = factors[precision];
  if (factor === undefined) return fail(`Invalid common duration precision: ${precision}.`);
  const [start, end] = [points[from], points[to]];
  for (const [name, point] of [
    [from, start],
    [to, end],
  ] as const) {
    if (!point && /^(?:DS|US)_/.test(name)) {
      return fail(`the point ${name} is not supported by ciliate-proxy; allowed: ${Object.keys(points).join(', ')}`);
    }
  }
  // Any other name is one that a filter may have marked, which none here does.
  if (!start || !end) return ok(() => undefined);
  return ok((info) => {
    const [first, last] = [start(info), end(info)];
    return first === 0 || last === 0 ? undefined : Math.floor((last - first) * factor);
  });
}
