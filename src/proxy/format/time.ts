const pad = (value: number, width: number): string => String(value).padStart(width, '0');
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

/** A time in UTC by an strftime pattern with Envoy's `%f`, `%1f` to `%9f`; without a pattern `2017-01-01T00:00:00.000Z`. */
export function formatTime(milliseconds: number, pattern: string | undefined): string {
  if (pattern === undefined || pattern === '') return isoText(milliseconds);
  const date = new Date(milliseconds);
  return pattern.replace(
    /%(\d?)([A-Za-z%])/g,
    (all, width: string, letter: string) => part(date, width, letter) ?? all,
  );
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
    case 's':
      return String(Math.floor(date.getTime() / 1000));
    case 'f':
      return `${pad(date.getUTCMilliseconds(), 3)}000000`.slice(0, width === '' ? 9 : Number(width));
    case 'Z':
      return 'UTC';
    case 'z':
      return '+0000';
    case '%':
      return '%';
    default:
      return undefined;
  }
}
