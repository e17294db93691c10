const pad = (value: number, width: number): string => String(value).padStart(width, '0');
const MINUTE_MS = 60_000;
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

let lastTime = Number.NaN;
let lastText = '';

/** ISO form of a time; requests of one millisecond share it. */
function isoText(milliseconds: number): string {
  if (milliseconds !== lastTime) {
    lastTime = milliseconds;
    lastText = new Date(milliseconds).toISOString();
  }
  return lastText;
}

/**
 * A time by an strftime pattern with Envoy's `%f`, `%1f` to `%9f`; without a pattern `2017-01-01T00:00:00.000Z`, or with the offset of the
 * zone in the place of `Z`. In UTC unless it is to be local.
 */
export function formatTime(milliseconds: number, pattern: string | undefined, local = false): string {
  const offset = local ? -new Date(milliseconds).getTimezoneOffset() : 0;
  const date = new Date(milliseconds + offset * MINUTE_MS);
  if (pattern === undefined || pattern === '') {
    return local ? date.toISOString().replace('Z', offsetText(offset)) : isoText(milliseconds);
  }
  return pattern.replace(/%(\d?)([A-Za-z%])/g, (all, width: string, letter: string) => {
    if (letter === 's') return String(Math.floor(milliseconds / 1000));
    if (letter === 'z') return offsetText(offset);
    if (letter === 'Z' && local) return zoneName(milliseconds);
    return part(date, width, letter) ?? all;
  });
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}${pad(size % 60, 2)}`;
}

function zoneName(milliseconds: number): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(milliseconds);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

function part(date: Date, width: string, letter: string): string | undefined {
  switch (letter) {
    case 'Y':
      return String(date.getUTCFullYear());
    case 'm':
      return pad(date.getUTCMonth() + 1, 2);
    case 'd':
      return pad(date.getUTCDate(), 2);
    case 'H':
      return pad(date.getUTCHours(), 2);
    case 'M':
      return pad(date.getUTCMinutes(), 2);
    case 'S':
      return pad(date.getUTCSeconds(), 2);
    case 'F':
      return date.toISOString().slice(0, 10);
    case 'T':
      return date.toISOString().slice(11, 19);
    case 'b':
      return MONTHS[date.getUTCMonth()]?.slice(0, 3);
    case 'B':
      return MONTHS[date.getUTCMonth()];
    case 'a':
      return DAYS[date.getUTCDay()]?.slice(0, 3);
    case 'A':
      return DAYS[date.getUTCDay()];
    case 'f':
      return `${pad(date.getUTCMilliseconds(), 3)}000000`.slice(0, width === '' ? 9 : Number(width));
    case 'Z':
      return 'UTC';
    case '%':
      return '%';
    default:
      return undefined;
  }
}
