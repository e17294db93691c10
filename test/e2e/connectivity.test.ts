import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCluster } from './cluster.ts';

test('every connectivity test holds, flows included', async () => {
  await using cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const { stdout: settings } = await cluster.ciliate('env');
  const relay = /HUBBLE_SERVER=(\S+)/.exec(settings)?.[1] ?? '';
  const { exitCode, stdout, stderr } = await cluster.ciliate(
    'cilium',
    'connectivity',
    'test',
    '--flow-validation',
    'strict',
    '--hubble-server',
    relay,
  );
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /✅ All \d+ tests \(\d+ actions\) successful, 0 tests skipped, 0 scenarios skipped/);
});
