// Loaded into each test file's process.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareLoading } from '../src/loading/index.ts';
import { tryLock } from './setup.mjs';

/** The runner's time limit is for tests: a file whose tests are over, but which something keeps alive, would not end. */
const LIMIT_MS = 900_000;
/** Clusters that run at a time: with more of them on two cores, what they wait for comes late. */
const CLUSTERS = 2;
const LOOK_MS = 200;

if (process.env.NODE_TEST_CONTEXT) {
  prepareLoading();
  const folder = process.env.CILIATE_TEST_FOLDER;
  if (folder && /test[-/]e2e[-/]/.test(process.argv[1])) await takePlace(folder);
  setTimeout(() => {
    const alive = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`${process.argv[1]} did not end within ${LIMIT_MS / 1000} s; it is kept alive by ${alive}\n`);
    process.exit(1);
  }, LIMIT_MS).unref();
}

/** Waits until this process may have a cluster, among those of the same run. */
async function takePlace(folder) {
  const places = Array.from({ length: CLUSTERS }, (_, index) => path.join(folder, `place-${index + 1}`));
  for (;;) {
    const place = places.find(tryLock);
    if (place !== undefined) {
      process.once('exit', () => rmSync(place, { recursive: true, force: true }));
      return;
    }
    await sleep(LOOK_MS);
  }
}
