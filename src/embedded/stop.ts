import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterHome } from './home.ts';
import { isRunning, readRecord, removeRecord } from './record.ts';

const gracefulMs = 3_000;
const killMs = 2_000;

/**
 * Ends the cluster of this home: asks first, then kills the process that holds its namespaces, with which every process, link and rule goes.
 * False when none was running.
 */
export async function stopCluster(home: ClusterHome): Promise<boolean> {
  const record = readRecord(home);
  if (!record || !isRunning(record)) {
    removeRecord(home);
    return false;
  }
  const ended = async (limitMs: number): Promise<boolean> => {
    for (const deadline = Date.now() + limitMs; Date.now() < deadline; await sleep(10))
      if (!isRunning(record)) return true;
    return !isRunning(record);
  };
  for (const pid of childrenOf(record.pid)) signal(pid, 'SIGTERM');
  if (!(await ended(gracefulMs))) {
    signal(-record.pid, 'SIGKILL');
    if (!(await ended(killMs))) throw new Error(`process ${record.pid} does not end`);
  }
  removeRecord(home);
  return true;
}

/** The first process inside the namespaces is the only child of the one that made them; it passes the signal on. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
