import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { arrangeTests } from './arrange-tests.mjs';
import { globSync } from './glob.mjs';
import { installBrowser, installH2spec, nodeEnvironment, runNode, setUp } from './setup.mjs';

await setUp();
const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : ['src', 'test', 'web', 'examples'].flatMap((top) => globSync(top, '.test.ts'));
if (files.some((file) => file.includes('test/ui'))) installBrowser();
if (files.some((file) => file.includes('h2spec'))) installH2spec();
const folder = mkdtempSync(path.join(tmpdir(), 'ciliate-tests-'));
const bound = new URL('./bound-test-file.mjs', import.meta.url).href;
const limits = ['--test-concurrency=4', '--test-timeout=300000', `--import=${bound}`];
process.exitCode = await runNode(['--test', ...limits, ...(asked.length > 0 ? asked : arrangeTests(files, folder))], {
  env: { ...nodeEnvironment(), CILIATE_TEST_FOLDER: folder },
});
rmSync(folder, { recursive: true, force: true });
