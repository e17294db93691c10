import { globSync } from './glob.mjs';
import { runNode, setUp } from './setup.mjs';

await setUp();
const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : [...globSync('src', '.test.ts'), ...globSync('test', '.test.ts')];
const bound = new URL('./bound-test-file.mjs', import.meta.url).href;
const limits = ['--test-concurrency=2', '--test-timeout=300000', `--import=${bound}`];
process.exitCode = await runNode(['--test', ...limits, ...files]);
