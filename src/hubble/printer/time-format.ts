import { formatTimestamp, isValidTimestamp, toNumber, type WireTimestamp } from '../../model/flow/index.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

interface Parts {
  readonly date: Date;
  readonly nanos: number;
}

const two = (value: number): string => String(value).padStart(2, '0');
const clock = ({ date }: Parts): string =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
const day = ({ date }: Parts): string =>
  `${String(date.getUTCFullYear()).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
const fraction = (nanos: number, digits: number): string => String(nanos).padStart(9, '0').slice(0, digits);
/** Go's `.999…`: trailing zeros and a bare point are left out. */
const trimmed = (nanos: number, digits: number): string => {
  const kept = fraction(nanos, digits).replace(/0+$/, '');
  return kept === '' ? '' : `.${kept}`;
};

/** Time layouts by the names that `--time-format` takes, all in UTC. */
const layouts: Readonly<Record<string, (parts: Parts) => string>> = {
  StampMilli: (parts) =>
    `${months[parts.date.getUTCMonth()]} ${String(parts.date.getUTCDate()).padStart(2)} ${clock(parts)}.${fraction(parts.nanos, 3)}`,
  YearMonthDay: day,
  YearMonthDayHour: (parts) => `${day(parts)}T${two(parts.date.getUTCHours())}Z`,
  YearMonthDayHourMinute: (parts) =>
    `${day(parts)}T${two(parts.date.getUTCHours())}:${two(parts.date.getUTCMinutes())}Z`,
  RFC3339: (parts) => `${day(parts)}T${clock(parts)}Z`,
  RFC3339Milli: (parts) => `${day(parts)}T${clock(parts)}${trimmed(parts.nanos, 3)}Z`,
  RFC3339Micro: (parts) => `${day(parts)}T${clock(parts)}${trimmed(parts.nanos, 6)}Z`,
  RFC3339Nano: (parts) => `${day(parts)}T${clock(parts)}${trimmed(parts.nanos, 9)}Z`,
  RFC1123Z: (parts) =>
    `${weekdays[parts.date.getUTCDay()]}, ${two(parts.date.getUTCDate())} ${months[parts.date.getUTCMonth()]} ${parts.date.getUTCFullYear()} ${clock(parts)} +0000`,
};

export const timeFormatNames: readonly string[] = Object.keys(layouts);

/** Formats a Timestamp under one of `timeFormatNames`; `N/A` when it is missing or out of range. */
export function printTime(time: WireTimestamp | null | undefined, format: string): string {
  if (!isValidTimestamp(time)) return 'N/A';
  const layout = layouts[format];
  return layout
    ? layout({ date: new Date(toNumber(time.seconds) * 1000), nanos: time.nanos ?? 0 })
    : formatTimestamp(time);
}
