import { runNode, setUp } from './setup.mjs';

await setUp();
const args = process.argv.slice(2);
const main = args.includes('--policy') ? 'test/soak/policy/main.ts' : 'test/soak/main.ts';
process.exitCode = await runNode([main, ...args]);
