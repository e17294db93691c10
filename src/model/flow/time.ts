/** A 64-bit protobuf field: what protobufjs accepts and what it decodes to. */
export type Uint64 = number | string | { readonly low: number; readonly high: number; toString(): string };

/** `google.protobuf.Timestamp`. */
export interface WireTimestamp {
  seconds?: Uint64;
  nanos?: number;
}

const nanosPerSecond = 1_000_000_000n;

export function toBigint(value: Uint64 | null | undefined): bigint {
  if (value === null || value === undefined) return 0n;
  return typeof value === 'number' ? BigInt(Math.trunc(value)) : BigInt(value.toString());
}

/** For sums and rates, where the last digits do not matter. */
export function toNumber(value: Uint64 | null | undefined): number {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return 0;
  return typeof value === 'string' ? Number(value) : value.high * 2 ** 32 + (value.low >>> 0);
}

/** Nanoseconds since the epoch as a Timestamp. */
export function toTimestamp(ns: bigint): WireTimestamp {
  let seconds = ns / nanosPerSecond;
  let nanos = ns % nanosPerSecond;
  if (nanos < 0n) {
    seconds -= 1n;
    nanos += nanosPerSecond;
  }
  return { seconds: Number(seconds), nanos: Number(nanos) };
}

/** A Timestamp as nanoseconds since the epoch. */
export function timestampNs(time: WireTimestamp): bigint {
  return BigInt(toNumber(time.seconds)) * nanosPerSecond + BigInt(time.nanos ?? 0);
}

/** RFC 3339 in UTC with 0, 3, 6 or 9 fraction digits, as protojson prints a Timestamp. */
export function formatTimestamp(time: WireTimestamp): string {
  const whole = wholeSecond(toNumber(time.seconds));
  const nanos = time.nanos ?? 0;
  if (nanos === 0) return `${whole}Z`;
  const digits = String(nanos).padStart(9, '0');
  const length = nanos % 1_000_000 === 0 ? 3 : nanos % 1000 === 0 ? 6 : 9;
  return `${whole}.${digits.slice(0, length)}Z`;
}

let lastSecond = { seconds: 0, text: '1970-01-01T00:00:00' };

/** The text of the second before is kept, as flows come by thousands a second. */
function wholeSecond(seconds: number): string {
  if (seconds !== lastSecond.seconds)
    lastSecond = { seconds, text: new Date(seconds * 1000).toISOString().slice(0, 19) };
  return lastSecond.text;
}

/** Whether the Timestamp is one that can be printed: years 1 to 9999, nanoseconds below a second. */
export function isValidTimestamp(time: WireTimestamp | null | undefined): time is WireTimestamp {
  if (!time) return false;
  const seconds = toNumber(time.seconds);
  const nanos = time.nanos ?? 0;
  return seconds >= -62_135_596_800 && seconds <= 253_402_300_799 && nanos >= 0 && nanos < 1_000_000_000;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** Parses RFC 3339 with up to nine fraction digits; undefined when it is not one. */
export function parseTimestamp(text: string): WireTimestamp | undefined {
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const milliseconds = Date.parse(
    `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}${(match[8] ?? 'Z').toUpperCase()}`,
  );
  if (Number.isNaN(milliseconds)) return undefined;
  return { seconds: milliseconds / 1000, nanos: Number((match[7] ?? '').padEnd(9, '0')) };
}
