const unitsNs: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const durationPart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y;

/** A Go duration (`3s`, `1h43m`, `-1.5h`) in nanoseconds; undefined when it is not one. */
export function parseDuration(text: string): bigint | undefined {
  const [, sign = '', body = ''] = /^([+-]?)(.+)$/.exec(text) ?? [];
  if (body === '') return undefined;
  if (body === '0') return 0n;
  let total = 0;
  durationPart.lastIndex = 0;
  while (durationPart.lastIndex < body.length) {
    const match = durationPart.exec(body);
    if (!match) return undefined;
    total += Number(match[1]) * (unitsNs[match[2] ?? ''] ?? 0);
  }
  if (!Number.isFinite(total)) return undefined;
  const ns = BigInt(Math.round(total));
  return sign === '-' ? -ns : ns;
}
