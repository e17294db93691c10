/** A signal for one exchange, to be released when it is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Takes the time limit off; the caller's signal stays in force. */
  lift(): void;
  /** Lets go of the caller's signal and the timer. */
  release(): void;
}

/**
 * A signal that aborts with the caller's, or with a TimeoutError after `ms`. By hand and not by `AbortSignal.any` and
 * `AbortSignal.timeout`: those hold memory for as long as the caller's signal lives and the timer runs.
 */
export function deadline(caller: AbortSignal | undefined, ms: number): Deadline {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(caller?.reason);
  const timer = setTimeout(() => controller.abort(new DOMException('no answer in time', 'TimeoutError')), ms);
  if (caller?.aborted) onAbort();
  else caller?.addEventListener('abort', onAbort, { once: true });
  const lift = (): void => clearTimeout(timer);
  return {
    signal: controller.signal,
    lift,
    release() {
      lift();
      caller?.removeEventListener('abort', onAbort);
    },
  };
}
