import { openSync, renameSync, statSync } from 'node:fs';

/** A log that is larger when its process starts makes room for a new one; one older log is kept. */
const logBytesMax = 16 * 1024 * 1024;

/** Opens a log for appending, readable by its owner only. Throws when the folder is missing. */
export function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
