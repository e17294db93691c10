import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ClusterHome } from './home.ts';

/** What is known of a started cluster, kept in its home. */
export interface ClusterRecord {
  /** The process that holds the namespaces; everything of the cluster ends with it. */
  readonly pid: number;
  /** The kernel's start time of that process, so that a reused pid is not taken for it. */
  readonly startTime: string;
  readonly apiPort: number;
  readonly relayPort: number;
  readonly pagePort: number;
  readonly nodes: number;
}

export function readRecord(home: ClusterHome): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(home.record, 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

export function writeRecord(home: ClusterHome, record: ClusterRecord): void {
  const temporary = `${home.record}.new`;
  writeFileSync(temporary, `${JSON.stringify(record)}\n`);
  renameSync(temporary, home.record);
}

export function removeRecord(home: ClusterHome): void {
  rmSync(home.record, { force: true });
}

/** Start time of a process in clock ticks since boot, from field 22 of `/proc/PID/stat`; undefined when it is gone. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function isRunning(record: ClusterRecord): boolean {
  return processStartTime(record.pid) === record.startTime;
}
