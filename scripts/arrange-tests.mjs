// How the files of a whole test run are put together, so that two cores are busy most of the time.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './setup.mjs';

/** A process of its own costs a file half a second of processor time, which is more than most need for their tests. */
const FILES_OF_BUNDLE = 16;
/** Those that change what belongs to their whole process, or take long. */
const ALONE = /^(test|src\/datapath|src\/proxy\/(transport|worker|restart|command))\//;
/** Hooks of a file are hooks of all tests of its process. */
const HOOK = /^(before|after|beforeEach|afterEach)\(/m;
/** Those that wait most of the time. */
const WAITING = /^test\/(e2e|ui|flows)\//;
/** Those that would keep one core busy at the end. */
const LONG = /\/(replay-\d|connectivity|lifecycle|walkthrough|why|kernel|restart|policy-model\/model)\.test/;

/**
 * Writes what the runner is to run into a folder, and gives the files. The runner takes files in the order of their names, so each of these imports one test file or several, and
 * those that wait are spread evenly among those that compute.
 */
export function arrangeTests(files, folder) {
  const bundled = files.filter((file) => !ALONE.test(file) && !HOOK.test(read(file)));
  const alone = files.filter((file) => !bundled.includes(file)).map((file) => [file]);
  const long = alone.filter(([file]) => LONG.test(file));
  const all = [...long, ...bundlesOf(bundled), ...alone.filter((group) => !long.includes(group))];
  const waiting = all.filter(([file]) => WAITING.test(file));
  const computing = all.filter(([file]) => !WAITING.test(file));
  const placed = [...placesOf(waiting), ...placesOf(computing)].sort((one, other) => one.at - other.at);
  return placed.map(({ group }, index) => writeGroup(folder, group, index));
}

const read = (file) => readFileSync(path.join(projectRoot, file), 'utf8');

function bundlesOf(files) {
  const count = Math.ceil(files.length / FILES_OF_BUNDLE);
  return Array.from({ length: count }, (_, at) => files.slice(at * FILES_OF_BUNDLE, (at + 1) * FILES_OF_BUNDLE));
}

function placesOf(groups) {
  return groups.map((group, index) => ({ group, at: (index + 0.5) / groups.length }));
}

function writeGroup(folder, group, index) {
  const first = group[0].replaceAll('/', '-').replace(/\.test\.ts$/, '');
  const name = `${String(index + 1).padStart(3, '0')}-${first}${group.length > 1 ? '-and-others' : ''}.test.mjs`;
  const imports = group.map((file) => `import ${JSON.stringify(pathToFileURL(path.join(projectRoot, file)).href)};\n`);
  const file = path.join(folder, name);
  writeFileSync(file, imports.join(''));
  return file;
}
