import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Output, type TestCluster, testCluster } from './cluster.ts';

let cluster: TestCluster;
let relay: string;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  // Where other tests keep the machine busy, a name may take longer to get into force than a pod waits for its address.
  const patient = await cluster.ciliate('cilium', 'config', 'set', 'tofqdns-proxy-response-max-delay', '2s');
  assert.equal(patient.exitCode, 0, patient.stderr);
  const { stdout } = await cluster.ciliate('env');
  relay = /HUBBLE_SERVER=(\S+)/.exec(stdout)?.[1] ?? '';
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

function connectivityTest(...args: string[]): Promise<Output> {
  const strict = ['--flow-validation', 'strict', '--hubble-server', relay];
  return cluster.ciliate('cilium', 'connectivity', 'test', ...strict, ...args);
}

test('every connectivity test holds, flows included', async () => {
  const { exitCode, stdout, stderr } = await connectivityTest();
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  // The two of the host firewall, which is off.
  assert.match(stdout, /✅ All \d+ tests \(\d+ actions\) successful, 2 tests skipped, 0 scenarios skipped/);
});

test('the host firewall guards nodes and leaves everything else alone', async () => {
  assert.equal((await cluster.ciliate('cilium', 'config', 'set', 'enable-host-firewall', 'true')).exitCode, 0);
  const chosen = ['^no-policies/', '^host-', '^client-egress-l7/'];
  const { exitCode, stdout, stderr } = await connectivityTest(...chosen.flatMap((regex) => ['--test', regex]));
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /✅ All 6 tests /);
});
