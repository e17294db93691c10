import { runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode(['src/cli/ciliate.ts', 'walkthrough', ...process.argv.slice(2)]);
