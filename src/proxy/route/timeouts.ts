import type { ForwardAction } from './action.ts';
import type { RetryPolicy } from './retry.ts';

/** How long a request and its attempts may take; milliseconds, 0 for ever. */
export interface Timeouts {
  readonly global: number;
  readonly perTry: number;
  readonly perTryIdle: number;
  /** An attempt that is too slow goes on beside the next one. */
  readonly hedge: boolean;
  /** Status of the answer when time is up. */
  readonly status: 504 | 204;
  /** Undefined: the cluster's. */
  readonly maxStream: number | undefined;
}

/** What a route says alone, the same for all its requests. */
export function compileTimeouts(action: ForwardAction, retry: RetryPolicy, hedge: boolean): Timeouts {
  const global = action.maxStreamDuration ? 0 : action.timeout;
  const perTry = capPerTry(retry.perTryTimeout, global);
  return { global, perTry, perTryIdle: retry.perTryIdleTimeout, hedge, status: 504, maxStream: undefined };
}

/** A per-try timeout that is not shorter than the whole is none. */
export function capPerTry(perTry: number, global: number): number {
  return global !== 0 && perTry >= global ? 0 : perTry;
}
