import type { Logger } from '../../../base/index.ts';
import { now } from '../../time/clock.ts';
import type { FilterLog } from './api.ts';
import type { ModuleStats } from './stats.ts';

/** Lines a second, and how many may come at once. */
const RATE = 10;
const BURST = 50;
const MAX_TEXT = 2_000;

/** The log of one filter: rate limited, since what it writes may depend on what clients send. */
export function moduleLog(log: Logger, name: string, stats: ModuleStats): FilterLog {
  let tokens = BURST;
  let filledAt = now();
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string) => {
    const time = now();
    tokens = Math.min(BURST, tokens + ((time - filledAt) / 1000) * RATE);
    filledAt = time;
    if (tokens < 1) {
      stats.logDropped++;
      return;
    }
    tokens--;
    log[level]({ filter: name }, oneLine(String(message)));
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** A client must not be able to forge lines of the log. */
function oneLine(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
  return cut.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (char) => (char === '\n' ? ' | ' : ' '));
}
