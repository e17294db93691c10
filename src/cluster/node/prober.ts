import type { ProbeResult } from './probe-action.ts';
import type { Probe } from './types.ts';

export interface Thresholds {
  readonly success: number;
  readonly failure: number;
}

/** Counts probe results in a row and says when they amount to a new answer. */
export function countResults(thresholds: Thresholds): (success: boolean) => 'success' | 'failure' | undefined {
  let last: boolean | undefined;
  let run = 0;
  return (success) => {
    run = success === last ? run + 1 : 1;
    last = success;
    if (run < (success ? thresholds.success : thresholds.failure)) return undefined;
    return success ? 'success' : 'failure';
  };
}

export interface ProberOptions {
  readonly probe: Probe;
  readonly run: () => Promise<ProbeResult>;
  /** Each single result. */
  readonly onResult: (result: ProbeResult) => void;
  /** When results in a row reach a threshold. */
  readonly onAnswer: (answer: 'success' | 'failure', result: ProbeResult) => void;
  readonly signal: AbortSignal;
}

/** A container that has just started rarely answers at once; asking then would cost a whole period. */
const firstProbeMs = 150;

/** Probes after the initial delay and then every period until the signal; a slow probe delays the next one. */
export function startProber({ probe, run, onResult, onAnswer, signal }: ProberOptions): void {
  const count = countResults({ success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 });
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  let timer: NodeJS.Timeout | undefined;
  const next = (delayMs: number): void => {
    timer = setTimeout(() => void tick(), delayMs);
  };
  const tick = async (): Promise<void> => {
    const started = performance.now();
    const result = await run();
    if (signal.aborted) return;
    onResult(result);
    const answer = count(result.success);
    if (answer) onAnswer(answer, result);
    if (!signal.aborted) next(Math.max(0, periodMs - (performance.now() - started)));
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  if (!signal.aborted) next((probe.initialDelaySeconds ?? 0) * 1000 || firstProbeMs);
}
