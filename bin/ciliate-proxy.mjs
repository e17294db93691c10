#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runNode, setUp } from '../scripts/setup.mjs';

await setUp();
process.exitCode = await runNode(
  [fileURLToPath(new URL('../src/proxy/main.ts', import.meta.url)), ...process.argv.slice(2)],
  { cwd: process.cwd() },
);
