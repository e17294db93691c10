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

export function writeUplinkStatus(home: ClusterHome, status: UplinkStatus): void {
  const file = statusFile(home);
  writeFileSync(`${file}.new`, `${JSON.stringify(status)}\n`);
  renameSync(`${file}.new`, file);
}

function statusFile(home: ClusterHome): string {
  return path.join(home.run, 'uplink.json');
}
