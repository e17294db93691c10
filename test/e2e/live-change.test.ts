import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

const script = readFileSync(path.join(import.meta.dirname, 'kept-connection.cjs'), 'utf8');

let cluster: TestCluster;
const addresses = new Map<string, string>();

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  assert.equal((await cluster.kubectl('apply', '-f', path.join(projectRoot, 'examples/workloads.yaml'))).exitCode, 0);
  const wait = ['wait', '-n', 'cilium-test', '--for=condition=Available', 'deployment', '--all', '--timeout=30s'];
  assert.equal((await cluster.kubectl(...wait)).exitCode, 0);
  for (const name of ['echo-same-node', 'echo-other-node']) {
    const query = ['get', 'pods', '-n', 'cilium-test', '-l', `name=${name}`, '-o', 'jsonpath={.items[0].status.podIP}'];
    addresses.set(name, (await cluster.kubectl(...query)).stdout);
  }
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

type Layer7 = readonly string[] | 'plain';

/** A policy that lets `client` ask the echo servers on these paths; `plain`: whatever it asks. */
function policy(paths: Layer7): object {
  const http = paths === 'plain' ? {} : { rules: { http: paths.map((one) => ({ method: 'GET', path: one })) } };
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'live', namespace: 'cilium-test' },
    spec: {
      endpointSelector: { matchLabels: { name: 'client' } },
      egress: [
        {
          toEndpoints: [{ matchLabels: { kind: 'echo' } }],
          toPorts: [{ ports: [{ port: '8080', protocol: 'TCP' }], ...http }],
        },
      ],
    },
  };
}

const nothing = { ...policy('plain'), spec: { endpointSelector: { matchLabels: { name: 'client' } }, egress: [{}] } };

async function apply(object: object): Promise<void> {
  const { exitCode, stderr } = await cluster.kubectlWithInput(JSON.stringify(object), 'apply', '-f', '-');
  assert.equal(exitCode, 0, stderr);
}

async function remove(): Promise<void> {
  assert.equal((await cluster.kubectl('delete', 'cnp', '-n', 'cilium-test', 'live')).exitCode, 0);
}

/** A connection of `client` that asks on; `outcomes` are those until now. */
async function connection(name: string, to: string, url: string): Promise<() => Promise<readonly string[]>> {
  const log = `/tmp/${name}.log`;
  const command = `"$0" -e "$1" "$2" 8080 "$3" > ${log} 2>&1 < /dev/null &`;
  const asked = [process.execPath, script, addresses.get(to) ?? '', url];
  const started = await cluster.exec('client', 'sh', '-c', command, ...asked);
  assert.equal(started.exitCode, 0, started.stderr);
  return async () => (await cluster.exec('client', 'cat', log)).stdout.split('\n').filter((line) => line !== '');
}

async function becomes(outcomes: () => Promise<readonly string[]>, wanted: readonly string[]): Promise<void> {
  const reached = (found: readonly string[]) => found.length >= wanted.length;
  assert.deepEqual(await eventually(outcomes, reached, 15_000), wanted);
}

/** After so long without a request the servers close a connection. */
const keptMs = 5_000;

/** A connection that was denied and is allowed again, and went on. On a busy machine the changes may take longer than servers wait for requests. */
async function wentOn(to: string): Promise<() => Promise<readonly string[]>> {
  for (let attempt = 1; ; attempt++) {
    const outcomes = await connection(`packets-${to}-${attempt}`, to, '/public');
    await becomes(outcomes, ['200']);
    const since = performance.now();
    await apply(nothing);
    await becomes(outcomes, ['200', 'silent']);
    await apply(policy('plain'));
    const [, , last] = await eventually(outcomes, (found) => found.length > 2, 15_000);
    if (last === '200') return outcomes;
    assert.ok(attempt < 3 && performance.now() - since > keptMs, `${last} after ${performance.now() - since} ms`);
  }
}

for (const to of ['echo-same-node', 'echo-other-node']) {
  test(`HTTP rules hold for the next request of a connection that is open (${to})`, async () => {
    await apply(policy(['/public']));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const outcomes = await connection(`http-${to}`, to, '/public');
    await becomes(outcomes, ['200']);
    await apply(policy(['/private']));
    await becomes(outcomes, ['200', '403']);
    await apply(policy(['/public', '/private']));
    await becomes(outcomes, ['200', '403', '200']);
    // Without rules its requests pass the proxy that it came to.
    await remove();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(await outcomes(), ['200', '403', '200']);
  });

  test(`what Layer 3 and 4 deny stops on a connection that is open, and goes on when they allow it (${to})`, async () => {
    await apply(policy('plain'));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const outcomes = await wentOn(to);
    // Its packets do not begin at the proxy, which therefore takes no part of it.
    await apply(policy(['/private']));
    const [, , , broken] = await eventually(outcomes, (found) => found.length === 4, 15_000);
    assert.ok(broken === 'silent' || broken === 'closed', broken);
    await remove();
  });
}
