/** What a checked JSON value amounts to, for the validation rules. Durations are in nanoseconds. */
export type RuleValue = string | number | bigint | boolean | Uint8Array;

export type ScalarCheck =
  | { readonly ok: true; readonly value: RuleValue }
  | { readonly ok: false; readonly expected: string };

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

/** Whether `value` is the protobuf JSON of the scalar `type`; a 32-bit number may be text, as the mapping says. */
export function checkScalar(type: string, value: unknown): ScalarCheck {
  const range = ranges[type];
  if (range) return checkInteger(type, value, range);
  switch (type) {
    case 'string':
      return typeof value === 'string' && value.isWellFormed()
        ? { ok: true, value }
        : { ok: false, expected: 'a string' };
    case 'bool':
      return typeof value === 'boolean' ? { ok: true, value } : { ok: false, expected: 'true or false' };
    case 'bytes':
      return checkBytes(value);
    default:
      return checkFloat(type, value);
  }
}

function checkInteger(type: string, value: unknown, [low, high]: readonly [bigint, bigint]): ScalarCheck {
  const expected = `an integer from ${low} to ${high}`;
  const whole = toInteger(value);
  if (whole === undefined || whole < low || whole > high) return { ok: false, expected };
  return { ok: true, value: type.endsWith('64') ? whole : Number(whole) };
}

function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (/^-?(?:0|[1-9]\d*)$/.test(value)) return BigInt(value);
  if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) return undefined;
  return Number.isInteger(Number(value)) ? BigInt(Number(value)) : undefined;
}

function checkFloat(type: string, value: unknown): ScalarCheck {
  const named = value === 'NaN' || value === 'Infinity' || value === '-Infinity';
  const text = typeof value === 'string' && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value);
  if (!named && !text && typeof value !== 'number') return { ok: false, expected: 'a number' };
  const number = Number(value);
  const limit = type === 'float' ? 3.4028234663852886e38 : Number.MAX_VALUE;
  if (!named && !(Math.abs(number) <= limit)) return { ok: false, expected: `a number of type ${type}` };
  return { ok: true, value: number };
}

function checkBytes(value: unknown): ScalarCheck {
  const expected = 'base64 text';
  if (typeof value !== 'string') return { ok: false, expected };
  const body = value.replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/_-]*$/.test(body) || body.length % 4 === 1) return { ok: false, expected };
  return { ok: true, value: Buffer.from(body, 'base64') };
}

const durationLimit = 315_576_000_000n * 1_000_000_000n;

/** Nanoseconds of a protobuf JSON duration such as `1.5s`; undefined when it is none. */
export function durationNanos(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(value) : null;
  if (!match) return undefined;
  const [, sign, seconds = '', fraction = ''] = match;
  const nanos = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  if (nanos > durationLimit) return undefined;
  return sign === '-' ? -nanos : nanos;
}

/** A short rendering of what was found, for messages: long texts are cut. */
export function describeValue(value: unknown, limit = 60): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > limit ? `${text.slice(0, limit - 3)}...` : text;
}
