import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Places } from './types.ts';

/** Several of the intervals in which the scenarios have their resources measured. */
const seenMs = 200;

/** The file that injected resources are read from. */
export const pressureFile = ({ folder }: Places): string => path.join(folder, 'pressure');

/** Moves a new text to the file of the injected resource, and waits until it must have been read. */
export async function inject(places: Places, text: string): Promise<void> {
  const file = pressureFile(places);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  await sleep(seenMs);
}
