import { readFile } from 'node:fs/promises';
import { fail, ok, type Result } from '../../base/index.ts';
import type { MonitorSource } from './read-monitors.ts';
import { longestDelay, type OverloadMemory } from './shared.ts';

/** How much of a resource is used: 1 is all of it; the error says why that cannot be told. */
export type Measure = () => Promise<Result<number, string>>;

/** A file with a number needs few bytes; what is longer is none. */
const FILE_BYTES = 64;

export function measureOf(source: MonitorSource, memory: OverloadMemory): Measure {
  switch (source.kind) {
    case 'memory':
      return async () => ok(process.memoryUsage.rss() / source.mostBytes);
    case 'delay':
      return async () => ok(longestDelay(memory) / source.mostMs);
    case 'file':
      return () => readPressure(source.path);
  }
}

async function readPressure(path: string): Promise<Result<number, string>> {
  const text = await readFile(path, 'latin1').catch(() => undefined);
  if (text === undefined) return fail(`unable to read ${path}`);
  const trimmed = text.trim();
  const value = trimmed === '' || trimmed.length > FILE_BYTES ? Number.NaN : Number(trimmed);
  if (Number.isNaN(value)) return fail('failed to parse injected resource pressure');
  return value < 0 || value > 1 ? fail('pressure out of range') : ok(value);
}
