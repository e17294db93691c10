import { parseDuration } from '../../../base/index.ts';
import { parseTimestamp, toTimestamp, type WireTimestamp } from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * The forms of `--since` and `--until`: a duration back from now, StampMilli (this year, UTC), a date, a date with hour or
 * minutes and zone, RFC 3339, RFC 1123 with numeric zone. `nowNs` is nanoseconds since the epoch.
 */
export function parseTime(flag: string, text: string, nowNs: bigint): WireTimestamp {
  const duration = parseDuration(text);
  if (duration !== undefined) return toTimestamp(nowNs - duration);
  const time = parseTimestamp(text) ?? parseStamp(text, nowNs) ?? parsePartial(text) ?? parseRfc1123(text);
  if (!time) {
    const allowed = 'a duration such as 5m, "Jan  2 15:04:05.000", 2006-01-02, 2006-01-02T15:04-07:00, RFC 3339';
    throw new Fault(`failed to parse the ${flag} time: failed to convert ${text} to time; allowed: ${allowed}`);
  }
  return time;
}

function parseStamp(text: string, nowNs: bigint): WireTimestamp | undefined {
  const [, month = '', day = '', clock, millis = ''] =
    /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)\.(\d{3})$/.exec(text) ?? [];
  const number = months.indexOf(month);
  if (number < 0 || !clock) return undefined;
  const year = new Date(Number(nowNs / 1_000_000n)).getUTCFullYear();
  return parseTimestamp(`${year}-${String(number + 1).padStart(2, '0')}-${day.padStart(2, '0')}T${clock}.${millis}Z`);
}

/** `2006-01-02`, `2006-01-02T15-07:00`, `2006-01-02T15:04-07:00`. */
function parsePartial(text: string): WireTimestamp | undefined {
  const [, date, hour = '00', minute = '00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d))?$/.exec(text) ?? [];
  return date === undefined ? undefined : parseTimestamp(`${date}T${hour}:${minute}:00${zone}`);
}

function parseRfc1123(text: string): WireTimestamp | undefined {
  if (!/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : { seconds: milliseconds / 1000, nanos: 0 };
}
