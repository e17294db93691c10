import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Replaces a file that holds a key: for its owner only, whatever mode the old one had, and never half written. */
export function writeSecret(file: string, text: string): void {
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, file);
}
