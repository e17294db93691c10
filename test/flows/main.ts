import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findEnvoy } from '../conformance/envoy.ts';
import { playAgainst, writeRecording } from './played.ts';

/** Asks a real Envoy: `--record` keeps what it makes of the exchanges, without it the test runs against it. */
const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } });
const envoy = findEnvoy(console.error);
if (!envoy) process.exitCode = 1;
else if (values.record) writeRecording({ envoy: envoy.version, ...(await playAgainst(envoy.program)) });
else {
  const test = path.join(import.meta.dirname, 'data-planes.test.ts');
  const env = { ...process.env, ENVOY_PATH: envoy.program, FLOWS_LIVE: '1' };
  process.exitCode = spawnSync(process.execPath, ['--test', test], { stdio: 'inherit', env }).status ?? 1;
}
