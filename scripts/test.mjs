import { globSync } from './glob.mjs';
import { installBrowser, installH2spec, runNode, setUp } from './setup.mjs';

await setUp();
const asked = process.argv.slice(2);
const files =
  asked.length > 0
    ? asked
    : [
        ...globSync('src', '.test.ts'),
        ...globSync('test', '.test.ts'),
        ...globSync('web', '.test.ts'),
        ...globSync('examples', '.test.ts'),
      ];
if (files.some((file) => file.includes('test/ui'))) installBrowser();
if (files.some((file) => file.includes('h2spec'))) installH2spec();
const bound = new URL('./bound-test-file.mjs', import.meta.url).href;
const limits = ['--test-concurrency=2', '--test-timeout=300000', `--import=${bound}`];
process.exitCode = await runNode(['--test', ...limits, ...files]);
