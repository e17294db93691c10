import { threadMicroseconds } from '../processes.ts';
import { type Load, loadProgram, type Sample } from './load.ts';
import type { Program } from './programs.ts';

export interface WorkersSample extends Sample {
  /** Processor time of the worker that had less of it, divided by that of the one that had more. */
  readonly balance: number;
}

/** Loads a program of two workers; its two busiest threads are the workers. */
export async function loadWorkers({ pid }: Program, load: Load): Promise<WorkersSample> {
  const before = threadMicroseconds(pid);
  const sample = await loadProgram(pid, load);
  const used = [...threadMicroseconds(pid)].map(([thread, time]) => time - (before.get(thread) ?? 0));
  const [more = Number.NaN, less = Number.NaN] = used.sort((a, b) => b - a);
  return { ...sample, balance: less / more };
}

/**
 * How many times the requests of one worker two of them answer, each on a core of its own: both use the processor time a request that was
 * measured, and the busier one sets the pace. Load and backends need cores too, so on two cores this cannot be had from rates.
 */
export function workersFactor(one: Sample, two: WorkersSample): number {
  return (one.processor / two.processor) * (1 + two.balance);
}
