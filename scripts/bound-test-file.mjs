// Loaded into each test file's process.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareLoading } from '../src/loading/index.ts';

/** The runner's time limit is for tests: a file whose tests are over, but which something keeps alive, would not end. */
const LIMIT_MS = 480_000;
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

/** Waits until this process may have a cluster, among those of the same run, for which it leaves a file in the folder. */
async function takePlace(folder) {
  for (;;) {
    for (let place = 1; place <= CLUSTERS; place++) {
      const file = path.join(folder, `place-${place}`);
      try {
        writeFileSync(file, String(process.pid), { flag: 'wx' });
        process.once('exit', () => rmSync(file, { force: true }));
        return;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
        if (!isAlive(file)) rmSync(file, { force: true });
      }
    }
    await sleep(LOOK_MS);
  }
}

/** Whoever has it has not ended; one that is being written counts as alive. */
function isAlive(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'ENOENT' || error.code === 'EPERM';
  }
}
