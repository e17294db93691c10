import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, testCluster } from './cluster.ts';

function recordOf(home: string): { readonly pid: number; readonly apiPort: number } {
  return JSON.parse(readFileSync(path.join(home, 'run/cluster.json'), 'utf8'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a cluster that was killed starts again with what it held', async () => {
  await using cluster = await testCluster();
  const first = await cluster.ciliate('up', '--nodes', '1', '--detach');
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal((await cluster.kubectl('create', 'namespace', 'kept')).exitCode, 0);
  const before = recordOf(cluster.home);
  process.kill(before.pid, 'SIGKILL');
  await eventually(
    async () => isAlive(before.pid),
    (alive) => !alive,
  );
  assert.equal((await cluster.ciliate('status')).exitCode, 1);
  const second = await cluster.ciliate('up', '--nodes', '1', '--detach');
  assert.equal(second.exitCode, 0, second.stderr);
  assert.equal(recordOf(cluster.home).apiPort, before.apiPort);
  assert.equal((await cluster.kubectl('get', 'namespace', 'kept')).exitCode, 0);
  assert.equal((await cluster.ciliate('status')).exitCode, 0);
});

test('two homes are two clusters side by side', async () => {
  await using one = await testCluster();
  await using two = await testCluster();
  for (const cluster of [one, two]) {
    const up = await cluster.ciliate('up', '--nodes', '1', '--detach');
    assert.equal(up.exitCode, 0, up.stderr);
  }
  assert.equal((await one.kubectl('create', 'namespace', 'only-one')).exitCode, 0);
  assert.equal((await two.kubectl('get', 'namespace', 'only-one')).exitCode, 1);
  assert.equal((await one.ciliate('down')).exitCode, 0);
  assert.equal((await two.kubectl('get', 'nodes')).exitCode, 0);
});

test('a second up in the same home says that one runs', async () => {
  await using cluster = await testCluster();
  assert.equal((await cluster.ciliate('up', '--nodes', '1', '--detach')).exitCode, 0);
  const again = await cluster.ciliate('up', '--nodes', '1', '--detach');
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /already running/);
});
