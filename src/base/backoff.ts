export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Exponential back-off without jitter: attempt 0 waits `baseMs`, each further one twice as long, never over `maxMs`. */
export function backoffMs(attempt: number, { baseMs, maxMs }: BackoffOptions): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
}
