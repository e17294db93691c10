import type { HeaderMap } from '../../http/headers.ts';

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of `grpc-timeout`, rounded up; undefined when there is none that can be read. */
export function grpcTimeout(headers: HeaderMap): number | undefined {
  const text = headers.get('grpc-timeout');
  const match = text === undefined ? undefined : /^(\d{1,8})([HMSmun])/.exec(text);
  if (!match) return undefined;
  return Math.ceil(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0));
}

/** At most eight digits, in the finest unit that has room for them. */
export function formatGrpcTimeout(milliseconds: number): string {
  if (milliseconds <= 99_999_999) return `${milliseconds}m`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds <= 99_999_999) return `${seconds}S`;
  const minutes = Math.floor(seconds / 60);
  return minutes <= 99_999_999 ? `${minutes}M` : `${Math.min(99_999_999, Math.floor(minutes / 60))}H`;
}
