import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeProcess } from '../soak/policy/cluster.ts';
import { eventually, type TestCluster, testCluster } from './cluster.ts';

const outside = '203.0.113.10';
/** What the cluster's DNS gives its answers, and what the agent takes to look at its connections. */
const [ttlMs, lookMs] = [30_000, 7_000];

const manifest = `
apiVersion: v1
kind: Namespace
metadata: { name: cilium-test }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: cilium-test, labels: { name: client } }
spec: { containers: [{ name: main, image: ciliate.dev/client }] }
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: names, namespace: cilium-test }
spec:
  endpointSelector: { matchLabels: { name: client } }
  egress:
  - toFQDNs: [{ matchName: one.one.one.one }]
  - toEndpoints: [{ matchLabels: { k8s:io.kubernetes.pod.namespace: kube-system } }]
    toPorts: [{ ports: [{ port: "53", protocol: ANY }], rules: { dns: [{ matchPattern: "*" }] } }]
`;

/** Asks again and again on one connection for so long, and says how that ended. */
function hold(cluster: TestCluster, milliseconds: number): Promise<string> {
  const script = `const s = require('net').connect(80, '${outside}');
    const ask = () => s.write('GET / HTTP/1.1\\r\\nhost: one\\r\\n\\r\\n');
    const end = (text) => { console.log(text); process.exit(); };
    s.on('connect', () => { ask(); setInterval(ask, 2000); setTimeout(end, ${milliseconds}, 'open'); });
    s.on('data', () => {});
    s.on('close', () => end('closed'));
    s.on('error', (e) => end(e.code));`;
  return cluster.exec('client', process.execPath, '-e', script).then(({ stdout }) => stdout.trim());
}

test('learnt addresses outlive the agent and, while they are connected to, their time', async () => {
  await using cluster = await testCluster();
  const up = await cluster.ciliate('up', '--nodes', '1', '--no-uplink', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const applied = await cluster.kubectlWithInput(manifest, 'apply', '-f', '-');
  assert.equal(applied.exitCode, 0, applied.stderr);
  const phase = () => cluster.kubectl('get', 'pod', '-n', 'cilium-test', 'client', '-o', 'jsonpath={.status.phase}');
  await eventually(phase, ({ stdout }) => stdout === 'Running');
  const byAddress = () => cluster.status('client', `http://${outside}/`);
  assert.equal(await eventually(byAddress, (status) => status === '000'), '000', 'nothing is learnt yet');

  let learntMs = 0;
  const byName = (): Promise<string> => {
    learntMs = performance.now();
    return cluster.status('client', 'http://one.one.one.one/');
  };
  // On a busy machine a first answer may take longer than a request waits for its connection.
  assert.equal(await eventually(byName, (status) => status === '200'), '200');
  await sleep(200);
  const agent = nodeProcess(cluster.home, 1, 'agent');
  assert.ok(agent);
  process.kill(agent, 'SIGKILL');
  const restarted = () => Promise.resolve(nodeProcess(cluster.home, 1, 'agent'));
  assert.ok(await eventually(restarted, (pid) => pid !== undefined && pid !== agent));
  const untilExpiredMs = learntMs + ttlMs + lookMs - performance.now();
  const held = hold(cluster, untilExpiredMs + 3_000);
  await sleep(untilExpiredMs);
  assert.equal(await byAddress(), '200', 'the agent that was started again knows it, and so it stays');
  assert.equal(await held, 'open');
  assert.equal(
    await eventually(byAddress, (status) => status === '000', 15_000),
    '000',
    'and goes with the connection',
  );
});
