import { runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode(['bench/main.ts', ...process.argv.slice(2)]);
