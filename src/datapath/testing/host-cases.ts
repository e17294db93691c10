import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatapathPlan, PolicyEntry } from '../../plan/index.ts';
import { applyAll, backendsOf, eventsOf, forget, frontend, nodes, policyFor, said, saidSoon } from './harness.ts';
import { answerMs, silenceMs } from './waits.ts';
import { connect, echoes, inPod, nodeAddress, pods, serve, worldAddress } from './world.ts';

// Runs inside namespaces of its own, started by kernel.test.ts.

/** Entries of node 1 itself, at both of its addresses. */
function hostPolicy(direction: PolicyEntry['direction'], entries: readonly Partial<PolicyEntry>[]) {
  return (node: number): Partial<DatapathPlan> => {
    if (node !== 1) return { host: { enforceIngress: false, enforceEgress: false } };
    const { address, routerAddress } = nodeAddress(1);
    const entry = { direction, peer: 0, protocol: 'tcp', port: 0, action: 'allow', rules: [] } as const;
    return {
      host: { enforceIngress: direction === 'ingress', enforceEgress: direction === 'egress' },
      policy: [address, routerAddress].flatMap((endpoint) => entries.map((one) => ({ ...entry, endpoint, ...one }))),
    };
  };
}

const fromNode = async (node: number, address: string, port: number, timeoutMs = answerMs): Promise<string> =>
  (await nodes[node - 1]?.call({ do: 'connect', address, port, timeoutMs }))?.text ?? '';

/** The same where nothing should be said. */
const fromNodeSoon = (node: number, address: string, port: number): Promise<string> =>
  fromNode(node, address, port, silenceMs);

for (const mode of ['vxlan', 'direct'] as const) {
  test(`ingress to the node itself (${mode})`, async () => {
    const host = serve('n1', 9090, 'n1');
    // What the tunnel remembers of earlier packets would hide a way that is wrong for the first.
    for (const name of ['n1', 'n2']) inPod(name, 'ip route flush cache');
    const { address, routerAddress } = nodeAddress(1);
    const apply = (entries: readonly Partial<PolicyEntry>[]) =>
      applyAll((node) => ({ mode, ...hostPolicy('ingress', entries)(node) }));
    await apply([]);
    await forget();
    assert.equal(await saidSoon('a', address, 9090), 'timeout', 'default deny holds for local pods');
    const drop = (await eventsOf(1)).find(({ kind }) => kind === 'drop');
    assert.deepEqual([drop?.dropReason, drop?.direction], [133, 'ingress']);
    assert.equal(await saidSoon('a', routerAddress, 9090), 'timeout');
    assert.equal(await saidSoon('c', address, 9090), 'timeout', 'and for pods elsewhere');
    assert.equal(await fromNodeSoon(2, address, 9090), 'timeout', 'and for other nodes');
    assert.match(await fromNode(1, address, 9090), /^n1 /, 'the node reaches itself');
    assert.match(await fromNode(1, pods.c.address, 8080), /^c /, 'answers to the node pass');
    assert.equal(await said('a', pods.c.address), `c ${pods.a.address}`, 'pods are not concerned');
    await apply([
      { peer: pods.a.identity, port: 9090 },
      { peer: pods.c.identity, port: 9090 },
    ]);
    assert.equal(await said('a', address, 9090), `n1 ${pods.a.address}`);
    assert.equal(await saidSoon('b', address, 9090), 'timeout');
    assert.equal(await said('c', address, 9090), `n1 ${pods.c.address}`, 'pods elsewhere keep their address');
    assert.equal(await saidSoon('d', address, 9090), 'timeout');
    await apply([{ protocol: 'any' }, { peer: 6, protocol: 'any', action: 'deny' }]);
    await forget();
    assert.equal(await fromNodeSoon(2, address, 9090), 'timeout');
    assert.equal((await eventsOf(1)).find(({ kind }) => kind === 'drop')?.dropReason, 181);
    assert.match(await said('c', address, 9090), /^n1 /);
    host.close();
  });

  test(`egress of the node itself (${mode})`, async () => {
    const host = serve('n1', 9091, 'n1');
    const services = [{ ...frontend, backends: backendsOf(pods.b) }];
    const apply = (entries: readonly Partial<PolicyEntry>[]) =>
      applyAll((node) => ({ mode, services, ...hostPolicy('egress', entries)(node) }));
    await apply([]);
    await forget();
    assert.equal(await fromNodeSoon(1, pods.b.address, 8080), 'timeout', 'default deny holds towards local pods');
    const drop = (await eventsOf(1)).find(({ kind }) => kind === 'drop');
    assert.deepEqual([drop?.dropReason, drop?.direction], [133, 'egress']);
    assert.equal(await fromNodeSoon(1, pods.c.address, 8080), 'timeout', 'and towards pods elsewhere');
    assert.equal(await fromNodeSoon(1, frontend.address, 80), 'timeout', 'and through a Service');
    assert.match(await said('a', nodeAddress(1).address, 9091), /^n1 /, 'answers of the node pass');
    assert.match(await fromNode(1, nodeAddress(1).address, 9091), /^n1 /, 'the node reaches itself');
    assert.equal(await said('a', pods.c.address), `c ${pods.a.address}`, 'pods and the tunnel are not concerned');
    assert.equal(await said('a', worldAddress, 80), `world ${nodeAddress(1).address}`);
    await apply([{ peer: pods.b.identity, port: 8080 }]);
    assert.match(await fromNode(1, pods.b.address, 8080), /^b /);
    assert.match(await fromNode(1, frontend.address, 80), /^b /);
    assert.equal(await fromNodeSoon(1, pods.c.address, 8080), 'timeout');
    host.close();
  });
}

test('what the proxy sends for a pod is not the node’s own traffic', async () => {
  await nodes[0]?.call({ do: 'listen', port: 15005 });
  const egress = policyFor(pods.a, 'egress', [{ port: 8080, action: 'redirect', proxyPort: 15005 }])(1);
  const host = { enforceIngress: true, enforceEgress: true };
  await applyAll((node) => (node === 1 ? { ...egress, host } : {}));
  const { said: greeting, socket } = await connect('a', pods.c.address, 8080);
  assert.match(greeting, /^proxied/);
  assert.ok(await echoes(socket));
  socket.destroy();
  await nodes[0]?.call({ do: 'close', port: 15005 });
});
