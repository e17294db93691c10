import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

const example = path.join(projectRoot, 'examples/filter-module');

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach', '--filter-modules', example);
  assert.equal(up.exitCode, 0, up.stderr);
  const workloads = path.join(projectRoot, 'examples/workloads.yaml');
  assert.equal((await cluster.kubectl('apply', '-f', workloads)).exitCode, 0);
  const wait = ['wait', '-n', 'cilium-test', '--for=condition=Available', 'deployment', '--all', '--timeout=30s'];
  const ready = await cluster.kubectl(...wait);
  assert.equal(ready.exitCode, 0, ready.stderr);
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function ask(...options: string[]): Promise<string> {
  const url = 'http://echo-same-node:8080/';
  return (await cluster.exec('client', 'curl', '-s', '-i', '--max-time', '5', ...options, url)).stdout;
}

test('a filter in TypeScript that a CiliumEnvoyConfig names works on the nodes of a cluster', async () => {
  assert.match(await ask(), /^HTTP\/1\.1 200 /);
  const applied = await cluster.kubectl('apply', '-f', path.join(example, 'quota.yaml'));
  assert.equal(applied.exitCode, 0, applied.stderr);
  const refused = await eventually(ask, (answer) => answer.startsWith('HTTP/1.1 401'));
  assert.match(refused, /^HTTP\/1\.1 401 .*header x-tenant is missing\n$/s);
  assert.match(await ask('-H', 'x-tenant: a'), /^HTTP\/1\.1 200 .*x-requests-left: 59\r\n/s);
  assert.match(await ask('-H', 'x-tenant: a'), /^HTTP\/1\.1 200 .*x-requests-left: 58\r\n/s);
});
