import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { native } from './libc.ts';

const MADV_DONTNEED = 4;

const mallocTrim = promisify(native.malloc_trim.async) as (pad: number) => Promise<number>;

/** Gives freed memory of the C library's heap back to the kernel, on a thread of its own: whoever allocates meanwhile waits for milliseconds. */
export async function trimHeap(): Promise<void> {
  await mallocTrim(0);
}

/**
 * Lets go of the pages of program files, most of which only the start needed: those that are used come back from the page cache at once.
 * Only mappings that nothing was ever written to are touched, so that every page is as it is in its file.
 */
export async function dropFilePages(): Promise<void> {
  for (const { start, length } of cleanMappings(await readFile('/proc/self/smaps', 'latin1'))) {
    native.madvise(start, length, MADV_DONTNEED);
  }
}

interface Mapping {
  readonly start: bigint;
  readonly length: number;
}

/** Private mappings of files that cannot be written to and have no page of their own, from the text of `/proc/PID/smaps`. */
export function cleanMappings(smaps: string): readonly Mapping[] {
  const found: Mapping[] = [];
  for (const part of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\//.exec(part);
    if (!range || !/^Anonymous: +0 kB$/m.test(part)) continue;
    const start = BigInt(`0x${range[1]}`);
    found.push({ start, length: Number(BigInt(`0x${range[2]}`) - start) });
  }
  return found;
}
