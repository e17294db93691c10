import { constants, openSync, readFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../base/index.ts';
import { helperPipes, uplinkInterface } from './uplink-helper.ts';

export interface UplinkProgramEvents {
  /** The link stands, with its address and the default route. */
  onUp(): void;
  /** The program has ended, or did not bring the link up in time; it is started again later. */
  onDown(reason: string): void;
}

const restart = { baseMs: 500, maxMs: 60_000 };
const upTimeoutMs = 5_000;
const pollMs = 20;
const reasonMax = 300;

/** Has the helper in the host's network namespace run its program, and again with back-off whenever it ends. */
export function keepUplinkProgram(logFile: string, { onUp, onDown }: UplinkProgramEvents): { stop(): void } {
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  const start = openSync(helperPipes.start, flags);
  const ended = new net.Socket({ fd: openSync(helperPipes.ended, flags), readable: true, writable: false });
  let stopped = false;
  let attempt = 0;
  let run = 0;
  let timer: NodeJS.Timeout | undefined;

  const begin = (): void => {
    const current = ++run;
    writeSync(start, '\n');
    void untilUp(() => stopped || current !== run).then((outcome) => {
      if (outcome === 'up') {
        attempt = 0;
        onUp();
      } else if (outcome === 'late') onDown(`${uplinkInterface} was not up after ${upTimeoutMs / 1000} s`);
    });
  };
  ended.on('error', (error) => onDown(error.message));
  ended.on('data', (text) => {
    if (stopped) return;
    run++;
    onDown(lastLine(logFile) ?? `it ended with exit code ${text.toString('utf8').trim()}`);
    timer = setTimeout(begin, backoffMs(attempt++, restart));
  });
  begin();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      ended.destroy();
    },
  };
}

/** The kernel has no file to wait on for an address, so this looks again and again for a short while. */
async function untilUp(isOver: () => boolean): Promise<'up' | 'late' | 'over'> {
  for (const deadline = performance.now() + upTimeoutMs; performance.now() < deadline; await sleep(pollMs)) {
    if (isOver()) return 'over';
    if (os.networkInterfaces()[uplinkInterface]?.some(({ family }) => family === 'IPv4')) return 'up';
  }
  return isOver() ? 'over' : 'late';
}

/** What the program said last, without the notes that it could not reach a system logger. */
function lastLine(file: string): string | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.findLast((line) => line.trim() !== '' && !/to syslog$/.test(line))?.slice(0, reasonMax);
  } catch {
    return undefined;
  }
}
