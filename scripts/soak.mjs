import { runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode(['test/soak/main.ts', ...process.argv.slice(2)]);
