import type { Fields } from '../config/fields.ts';

/** Timers that overload shortens, by what they wait for. */
export type TimerKind = 'connectionIdle' | 'streamIdle' | 'connectionMax';

/** How short a timer may become: never shorter than so many milliseconds, or than this share of what it is. */
export interface TimerMinimum {
  readonly ms: number | undefined;
  readonly share: number;
}

export type ScaledTimers = Readonly<Partial<Record<TimerKind, TimerMinimum>>>;

const KINDS = {
  HTTP_DOWNSTREAM_CONNECTION_IDLE: 'connectionIdle',
  HTTP_DOWNSTREAM_STREAM_IDLE: 'streamIdle',
  HTTP_DOWNSTREAM_CONNECTION_MAX: 'connectionMax',
} as const;

/** Reads an `envoy.config.overload.v3.ScaleTimersOverloadActionConfig`. */
export function readScaledTimers(fields: Fields): ScaledTimers {
  const timers: Partial<Record<TimerKind, TimerMinimum>> = {};
  fields.list('timer_scale_factors', (factor) => {
    const timer = factor.choice('timer', [
      'HTTP_DOWNSTREAM_CONNECTION_IDLE',
      'HTTP_DOWNSTREAM_STREAM_IDLE',
      'HTTP_DOWNSTREAM_CONNECTION_MAX',
    ]);
    const kind = KINDS[timer];
    if (timers[kind]) factor.problem('timer', `Found duplicate entry for timer type ${timer}`);
    timers[kind] = readMinimum(factor);
    return true;
  });
  return timers;
}

function readMinimum(factor: Fields): TimerMinimum {
  if (factor.oneOf('overload_adjust', ['min_timeout', 'min_scale']) === 'min_scale')
    return { ms: undefined, share: (factor.message('min_scale', (inner) => inner.number('value')) ?? 0) / 100 };
  return { ms: factor.duration('min_timeout') ?? 0, share: 0 };
}
