import { globSync } from './glob.mjs';
import { runNode, setUp } from './setup.mjs';

await setUp();
const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : [...globSync('src', '.test.ts'), ...globSync('test', '.test.ts')];
process.exitCode = await runNode(['--test', '--test-concurrency=2', '--test-timeout=300000', ...files]);
