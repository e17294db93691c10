import { runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode(['test/fuzz/main.ts', ...process.argv.slice(2)]);
