import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClusterHome } from './home.ts';

/** One sentence on the way out of the running cluster, for `ciliate status`. */
export interface UplinkStatus {
  readonly state: 'starting' | 'up' | 'down' | 'none';
  readonly detail: string;
}

export function readUplinkStatus(home: ClusterHome): UplinkStatus | undefined {
  try {
    return JSON.parse(readFileSync(statusFile(home), 'utf8')) as UplinkStatus;
  } catch {
    return undefined;
  }
}

/** Undefined when it is kept, else the sentence why not. */
export function writeUplinkStatus(home: ClusterHome, status: UplinkStatus): string | undefined {
  const file = statusFile(home);
  try {
    writeFileSync(`${file}.new`, `${JSON.stringify(status)}\n`);
    renameSync(`${file}.new`, file);
    return undefined;
  } catch (error) {
    return `the uplink's state cannot be kept: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What the uplink's program says; the file starts anew with each start of the program. */
export function uplinkLogFile(home: ClusterHome): string {
  return path.join(home.logs, 'uplink.log');
}

function statusFile(home: ClusterHome): string {
  return path.join(home.run, 'uplink.json');
}
