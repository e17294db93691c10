import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatapathPlan, PolicyEntry } from '../../plan/index.ts';
import { applyAll, eventsOf, forget, nodes, policyFor, said, saidSoon } from './harness.ts';
import { connect, echoes, nodeAddress, plainPlan, pods } from './world.ts';

// Runs inside namespaces of its own, started by kernel.test.ts.

/** As `policyFor`, with the endpoint's own settings. */
function policyWith(
  settings: { readonly audit?: true; readonly answerDenials?: true },
  ...[pod, direction, entries]: Parameters<typeof policyFor>
): (node: number) => Partial<DatapathPlan> {
  return (node) => {
    const { endpoints, ...rest } = policyFor(pod, direction, entries)(node);
    const own = endpoints?.map((one) => (one.podName === pod.name ? { ...one, ...settings } : one));
    return { ...rest, ...(own && { endpoints: own }) };
  };
}

test('audit mode drops nothing, and says what it would have dropped', async () => {
  const redirect = { port: 8080, action: 'redirect', proxyPort: 15099 } as const;
  const deny = { peer: pods.c.identity, port: 8080, action: 'deny' } as const;
  const egressCases: readonly (readonly [name: string, entries: readonly Partial<PolicyEntry>[], matchType: number])[] =
    [
      ['default deny', [], 0],
      ['a deny', [deny], 2],
      ['a deny over a redirect', [deny, redirect], 2],
    ];
  for (const [name, entries, matchType] of egressCases) {
    await applyAll(policyWith({ audit: true }, pods.a, 'egress', entries));
    await forget();
    const { said: greeting, socket } = await connect('a', pods.c.address, 8080);
    assert.equal(greeting, `c ${pods.a.address}`, name);
    assert.ok(await echoes(socket), name);
    socket.destroy();
    const events = (await eventsOf(1)).filter(({ kind }) => kind !== 'trace');
    assert.deepEqual(
      events.map(({ kind, verdict, direction, matchType: type }) => [kind, verdict, direction, type]),
      [['policy-verdict', 'audited', 'egress', matchType]],
      name,
    );
  }
  await applyAll(policyWith({ audit: true }, pods.c, 'ingress', [{ port: 8080, action: 'deny' }]));
  await forget();
  assert.equal(await said('a', pods.c.address), `c ${pods.a.address}`);
  const fromNode = await nodes[1]?.call({ do: 'connect', address: pods.c.address, port: 8080 });
  assert.equal(fromNode?.text, `c ${nodeAddress(2).routerAddress}`);
  const verdicts = (await eventsOf(2)).filter(({ kind }) => kind !== 'trace').map(({ verdict }) => verdict);
  assert.deepEqual(verdicts, ['audited', 'audited']);
});

test('a redirect holds in audit mode', async () => {
  await applyAll(policyWith({ audit: true }, pods.a, 'egress', [{ port: 8080, action: 'redirect', proxyPort: 15005 }]));
  assert.equal(await saidSoon('a', pods.c.address), 'timeout');
  await nodes[0]?.call({ do: 'listen', port: 15005 });
  assert.match(await said('a', pods.c.address), /^proxied/);
  await nodes[0]?.call({ do: 'close', port: 15005 });
});

test('the proxy’s own connections are audited at the backend', async () => {
  await nodes[0]?.call({ do: 'listen', port: 15006 });
  const egress = policyFor(pods.a, 'egress', [{ port: 8080, action: 'redirect', proxyPort: 15006 }])(1).policy ?? [];
  const ingress = policyFor(pods.b, 'ingress', [{ port: 8080, action: 'deny' }])(1).policy ?? [];
  const endpoints = plainPlan(1).endpoints.map((one) => ({
    ...one,
    enforceEgress: one.podName === 'a',
    enforceIngress: one.podName === 'b',
    ...(one.podName === 'b' && { audit: true as const }),
  }));
  await applyAll((node) => (node === 1 ? { endpoints, policy: [...egress, ...ingress] } : {}));
  await forget();
  const { socket } = await connect('a', pods.b.address, 8080);
  assert.ok(await echoes(socket));
  socket.destroy();
  const verdicts = (await eventsOf(1)).filter(({ kind }) => kind === 'policy-verdict');
  assert.deepEqual(
    verdicts.map(({ verdict, direction }) => [verdict, direction]),
    [
      ['redirected', 'egress'],
      ['audited', 'ingress'],
    ],
  );
  await nodes[0]?.call({ do: 'close', port: 15006 });
});

test('policy-deny-response=icmp: the sender hears what its egress policy forbids, and nothing of the ingress of others', async () => {
  await applyAll(policyWith({ answerDenials: true }, pods.a, 'egress', []));
  await forget();
  assert.equal(await said('a', pods.c.address), 'EHOSTUNREACH');
  const drop = (await eventsOf(1)).find(({ kind }) => kind === 'drop');
  assert.deepEqual([drop?.dropReason, drop?.direction], [133, 'egress']);
  for (const from of ['a', 'd']) {
    await applyAll(policyWith({ answerDenials: true }, pods.c, 'ingress', [{ port: 8080, action: 'deny' }]));
    assert.equal(await saidSoon(from, pods.c.address), 'timeout', from);
  }
});
