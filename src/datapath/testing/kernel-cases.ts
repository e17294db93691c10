import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PolicyEntry } from '../../plan/index.ts';
import {
  applyAll,
  backendsOf,
  eventsOf,
  forget,
  frontend,
  nodes,
  pointsOf,
  policyFor,
  said,
  saidSoon,
} from './harness.ts';
import { sctpArrives } from './sctp.ts';
import { connect, echoes, inPod, nodeAddress, ping, plainPlan, pods, worldAddress } from './world.ts';

// Runs inside namespaces of its own, started by kernel.test.ts.

for (const mode of ['vxlan', 'direct', 'vxlan'] as const) {
  test(`pods reach each other and the world (${mode})`, async () => {
    await applyAll(() => ({ mode }));
    await forget();
    assert.equal(await said('a', pods.b.address), `b ${pods.a.address}`);
    assert.deepEqual(pointsOf(await eventsOf(1), pods.b.address), ['to-endpoint', 'to-stack']);
    assert.equal(await said('a', pods.c.address), `c ${pods.a.address}`);
    const far = mode === 'vxlan' ? 'to-overlay' : 'to-stack';
    assert.deepEqual(pointsOf(await eventsOf(1), pods.c.address), ['to-endpoint', far]);
    assert.deepEqual(pointsOf(await eventsOf(2), pods.c.address), ['to-endpoint', far]);
    assert.equal(await said('a', worldAddress, 80), `world ${nodeAddress(1).address}`);
    assert.deepEqual(pointsOf(await eventsOf(1), worldAddress), ['to-endpoint', 'to-network', 'to-stack']);
  });
}

test('a connection shows its beginning, first data and end, and no more', async () => {
  await forget();
  const { socket } = await connect('a', pods.b.address, 8080);
  for (let count = 0; count < 20; count++) assert.ok(await echoes(socket));
  socket.end();
  await delay(50);
  const events = (await eventsOf(1)).filter(({ kind, point }) => kind === 'trace' && point === 'to-endpoint');
  const lines = events.map(({ reply, flags, direction }) => `${reply ? '<-' : '->'} ${flags} ${direction}`);
  assert.deepEqual(lines.slice(0, 3), ['-> SYN ingress', '<- SYN,ACK egress', '-> ACK ingress']);
  assert.ok(lines.includes('-> PSH,ACK ingress') && lines.includes('<- PSH,ACK egress'));
  assert.ok(lines.some((line) => line.includes('FIN')));
  assert.ok(lines.length <= 9, lines.join('\n'));
  const times = events.map(({ time }) => BigInt(time));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  );
});

test('a Service leads to each of its backends, from pods and from the node', async () => {
  await applyAll(() => ({ services: [{ ...frontend, backends: backendsOf(pods.b, pods.c) }] }));
  const seen = new Set<string>();
  for (let count = 0; count < 40; count++) seen.add(await said('a', frontend.address, 80));
  assert.deepEqual([...seen].sort(), [`b ${pods.a.address}`, `c ${pods.a.address}`]);
  const fromNode = await nodes[0]?.call({ do: 'connect', address: frontend.address, port: 80 });
  assert.match(fromNode?.text ?? '', new RegExp(`^[bc] ${nodeAddress(1).routerAddress}$`));
});

test('a pod reaches itself through its Service', async () => {
  await applyAll(() => ({ services: [{ ...frontend, backends: backendsOf(pods.a) }] }));
  assert.equal(await said('a', frontend.address, 80), `a ${nodeAddress(1).routerAddress}`);
});

test('a Service without backends refuses and says so', async () => {
  await applyAll(() => ({ services: [{ ...frontend, backends: [] }] }));
  await forget();
  assert.equal(await said('a', frontend.address, 80), 'refused');
  assert.deepEqual(
    (await eventsOf(1)).flatMap(({ dropReason }) => dropReason ?? []),
    [158],
  );
  assert.equal((await nodes[0]?.call({ do: 'connect', address: frontend.address, port: 80 }))?.text, 'ECONNREFUSED');
});

/** Who gets through to `b` and `c` from `a`, under egress rules of `a` and ingress rules of `c`. */
const egressCases: readonly {
  name: string;
  entries: readonly Partial<PolicyEntry>[];
  b: boolean;
  c: boolean;
  match?: number;
}[] = [
  { name: 'nothing', entries: [], b: false, c: false },
  { name: 'identity and port', entries: [{ peer: pods.b.identity, port: 8080 }], b: true, c: false, match: 2 },
  { name: 'another port', entries: [{ peer: pods.b.identity, port: 81 }], b: false, c: false },
  { name: 'port of everyone', entries: [{ port: 8080 }], b: true, c: true, match: 3 },
  { name: 'identity', entries: [{ peer: pods.b.identity, protocol: 'any' }], b: true, c: false, match: 1 },
  { name: 'identity and protocol', entries: [{ peer: pods.b.identity }], b: true, c: false, match: 5 },
  { name: 'protocol', entries: [{}], b: true, c: true, match: 6 },
  { name: 'everything', entries: [{ protocol: 'any' }], b: true, c: true, match: 4 },
  { name: 'port range', entries: [{ port: 8000, portEnd: 8100 }], b: true, c: true, match: 3 },
  {
    name: 'port range of an identity',
    entries: [{ peer: pods.b.identity, port: 8080, portEnd: 8081 }],
    b: true,
    c: false,
    match: 2,
  },
  { name: 'any transport protocol', entries: [{ protocol: 'any', port: 8080 }], b: true, c: true, match: 3 },
  {
    name: 'deny wins',
    entries: [{ protocol: 'any' }, { peer: pods.c.identity, action: 'deny', protocol: 'any' }],
    b: true,
    c: false,
    match: 4,
  },
  {
    name: 'deny of a range wins',
    entries: [{ protocol: 'any' }, { port: 1, portEnd: 65535, action: 'deny' }],
    b: false,
    c: false,
  },
];

for (const { name, entries, b, c, match } of egressCases) {
  test(`egress policy: ${name}`, async () => {
    await applyAll(policyFor(pods.a, 'egress', entries));
    await forget();
    assert.equal(await said('a', pods.b.address), b ? `b ${pods.a.address}` : 'timeout');
    const verdicts = (await eventsOf(1)).filter(({ kind }) => kind === 'policy-verdict');
    const first = verdicts[0];
    assert.equal(first?.verdict, b ? 'allowed' : 'denied');
    if (b) assert.equal(first?.matchType, match);
    assert.equal(await said('a', pods.c.address), c ? `c ${pods.a.address}` : 'timeout');
    if (!c) {
      const drops = (await eventsOf(1)).filter(({ kind }) => kind === 'drop');
      assert.equal(drops[0]?.dropReason, entries.some(({ action }) => action === 'deny') ? 181 : 133);
      assert.equal(drops[0]?.direction, 'egress');
    }
    assert.equal(await said('c', pods.a.address), `a ${pods.c.address}`, 'answers of an enforced endpoint pass');
  });
}

test('ingress policy knows the peer by its address, on the same node and across nodes', async () => {
  await applyAll(policyFor(pods.c, 'ingress', [{ peer: pods.a.identity, port: 8080 }]));
  assert.equal(await said('a', pods.c.address), `c ${pods.a.address}`);
  assert.equal(await saidSoon('b', pods.c.address), 'timeout');
  assert.equal(await saidSoon('d', pods.c.address), 'timeout');
  await forget();
  assert.equal(await saidSoon('b', pods.c.address), 'timeout');
  const drop = (await eventsOf(2)).find(({ kind }) => kind === 'drop');
  assert.deepEqual([drop?.dropReason, drop?.direction], [133, 'ingress']);
});

test('the node itself reaches its pods as their ingress rules say, past any redirect', async () => {
  const fromNode = async (entries: readonly Partial<PolicyEntry>[]): Promise<string | undefined> => {
    await applyAll(policyFor(pods.c, 'ingress', entries));
    return (await nodes[1]?.call({ do: 'connect', address: pods.c.address, port: 8080 }))?.text;
  };
  const host = { peer: 1, protocol: 'any' } as const;
  const redirect = { port: 8080, action: 'redirect', proxyPort: 15099 } as const;
  const reached = `c ${nodeAddress(2).routerAddress}`;
  assert.equal(await fromNode([host]), reached);
  assert.equal(await fromNode([host, redirect]), reached);
  assert.equal(await fromNode([]), 'timeout');
  assert.equal(await fromNode([host, { port: 8080, action: 'deny' }]), 'timeout');
  const drop = (await eventsOf(2)).findLast(({ kind }) => kind === 'drop');
  assert.deepEqual([drop?.dropReason, drop?.direction], [181, 'ingress']);
});

test('world and CIDR identities', async () => {
  const cidr = (identity: number) => (node: number) => ({
    ...policyFor(pods.a, 'egress', [{ peer: identity, port: 80 }])(node),
    ipcache: [...plainPlan(node).ipcache, { cidr: '203.0.113.0/24', identity: 0x1000001 }],
  });
  await applyAll(cidr(0x1000001));
  assert.equal(await said('a', worldAddress, 80), `world ${nodeAddress(1).address}`);
  await applyAll(cidr(2));
  assert.equal(await saidSoon('a', worldAddress, 80), 'timeout');
  await applyAll(policyFor(pods.a, 'egress', [{ peer: 2, port: 80 }]));
  assert.equal(await said('a', worldAddress, 80), `world ${nodeAddress(1).address}`);
});

test('a policy change ends an established connection, and its return revives it', async () => {
  const allow = policyFor(pods.a, 'egress', [{ peer: pods.b.identity, port: 8080 }]);
  await applyAll(allow);
  const { socket } = await connect('a', pods.b.address, 8080);
  assert.ok(await echoes(socket));
  await applyAll(policyFor(pods.a, 'egress', []));
  assert.equal(await echoes(socket, 300), false);
  await applyAll(allow);
  assert.ok(await echoes(socket));
  socket.destroy();
});

test('the connection table says whom a pod is connected to, and no more once that is over', async () => {
  await applyAll(() => ({}));
  const pairs = async (): Promise<readonly string[]> => {
    const answer = await nodes[0]?.call({ do: 'connections', source: pods.a.address });
    assert.ok(answer?.ok, answer?.text);
    return answer.text.split(',');
  };
  const { socket } = await connect('a', worldAddress, 80);
  assert.ok((await pairs()).includes(`${pods.a.address} ${worldAddress}`));
  socket.end();
  for (let turn = 0; turn < 40 && (await pairs()).includes(`${pods.a.address} ${worldAddress}`); turn++)
    await delay(50);
  assert.ok(!(await pairs()).includes(`${pods.a.address} ${worldAddress}`));
});

test('a redirect reaches the proxy with both addresses kept, and drops without one', async () => {
  const redirect = policyFor(pods.a, 'egress', [
    { peer: pods.c.identity, port: 8080, action: 'redirect', proxyPort: 15001 },
  ]);
  await applyAll((node) => ({ ...redirect(node), services: [{ ...frontend, backends: backendsOf(pods.c) }] }));
  await forget();
  assert.equal(await saidSoon('a', pods.c.address), 'timeout');
  const unserved = (await eventsOf(1)).filter(({ kind, to }) => kind === 'drop' && to.startsWith(pods.c.address));
  assert.deepEqual([...new Set(unserved.map(({ dropReason }) => dropReason))], [178]);
  await nodes[0]?.call({ do: 'listen', port: 15001 });
  assert.match(await said('a', pods.c.address), new RegExp(`^proxied ${pods.a.address} to ${pods.c.address}:8080`));
  assert.match(
    await said('a', frontend.address, 80),
    new RegExp(`^proxied ${pods.a.address} to ${pods.c.address}:8080`),
  );
  await forget();
  // On a busy machine a first connection has been seen to carry nothing, seldom and for no reason found; the second one has to.
  let carried = false;
  for (let turn = 0; turn < 2 && !carried; turn++) {
    const { socket } = await connect('a', pods.c.address, 8080);
    carried = await echoes(socket, 2_000);
    socket.destroy();
  }
  assert.ok(carried, 'the proxy carries on under the address of the pod');
  const events = await eventsOf(1);
  assert.ok(pointsOf(events).includes('to-proxy') && pointsOf(events).includes('to-overlay'));
  // What is still sent of the connections before was denied.
  const verdict = events.find(({ kind, verdict: one }) => kind === 'policy-verdict' && one !== 'denied');
  assert.deepEqual([verdict?.verdict, verdict?.matchType, verdict?.proxyPort], ['redirected', 2, 15001]);
  await nodes[0]?.call({ do: 'close', port: 15001 });
});

test('the proxy’s own connections are judged by the backend’s ingress policy with the identity of the client', async () => {
  await nodes[0]?.call({ do: 'listen', port: 15002 });
  const cases = [
    { entry: { peer: pods.a.identity, port: 8080 }, passes: true },
    { entry: { peer: pods.d.identity, port: 8080 }, passes: false },
    { entry: { peer: pods.a.identity, port: 8080, action: 'redirect', proxyPort: 15099 }, passes: true },
  ] as const;
  for (const { entry, passes } of cases) {
    const egress = policyFor(pods.a, 'egress', [{ port: 8080, action: 'redirect', proxyPort: 15002 }])(1);
    const ingress = policyFor(pods.b, 'ingress', [entry])(1);
    const endpoints = plainPlan(1).endpoints.map((one) => ({
      ...one,
      enforceEgress: one.podName === 'a',
      enforceIngress: one.podName === 'b',
    }));
    await applyAll((node) =>
      node === 1 ? { endpoints, policy: [...(egress.policy ?? []), ...(ingress.policy ?? [])] } : {},
    );
    const { said: greeting, socket } = await connect('a', pods.b.address, 8080);
    assert.match(greeting, /^proxied/);
    assert.equal(await echoes(socket, passes ? 5_000 : 400), passes, JSON.stringify(entry));
    socket.destroy();
  }
  await nodes[0]?.call({ do: 'close', port: 15002 });
});

test('an ingress redirect catches connections from the same node and from the other', async () => {
  await nodes[1]?.call({ do: 'listen', port: 15003 });
  await applyAll(policyFor(pods.c, 'ingress', [{ port: 8080, action: 'redirect', proxyPort: 15003 }]));
  for (const from of ['a', 'd']) assert.match(await said(from, pods.c.address), /^proxied/);
  assert.match(await said('c', pods.d.address), /^d /);
  await nodes[1]?.call({ do: 'close', port: 15003 });
});

test('a frontend taken over leads to the listener before policy, with the frontend as destination', async () => {
  await nodes[0]?.call({ do: 'listen', port: 15004 });
  const services = [{ ...frontend, backends: backendsOf(pods.b) }];
  const serviceRedirects = [{ address: frontend.address, port: 80, proxyPort: 15004, listener: 'x' }];
  await applyAll((node) => ({ ...policyFor(pods.a, 'egress', [])(node), services, serviceRedirects }));
  assert.equal(await said('a', frontend.address, 80), `proxied ${pods.a.address} to ${frontend.address}:80`);
  const fromNode = await nodes[0]?.call({ do: 'connect', address: frontend.address, port: 80 });
  assert.equal(fromNode?.text, `b ${nodeAddress(1).routerAddress}`, 'the node itself still reaches the backends');
  await applyAll(() => ({ services }));
  assert.equal(await said('a', frontend.address, 80), `b ${pods.a.address}`);
  await nodes[0]?.call({ do: 'close', port: 15004 });
});

test('a pod cannot send under another address, nor into the overlay', async () => {
  await applyAll(() => ({}));
  await forget();
  inPod('a', 'ip addr add 10.244.1.99/32 dev lo && ip route add 10.244.1.11/32 via 10.244.1.1 src 10.244.1.99');
  assert.equal(await saidSoon('a', pods.b.address), 'timeout');
  const drops = (await eventsOf(1)).filter(({ kind }) => kind === 'drop');
  assert.deepEqual([drops[0]?.dropReason, drops[0]?.from.split(':')[0]], [132, '10.244.1.99']);
  inPod('a', 'ip route del 10.244.1.11/32 && ip addr del 10.244.1.99/32 dev lo');
  assert.equal(await said('a', pods.b.address), `b ${pods.a.address}`);
  inPod('a', `bash -c 'echo x > /dev/udp/${nodeAddress(2).address}/8472'`);
  assert.equal((await eventsOf(1)).find(({ kind }) => kind === 'drop')?.dropReason, 132);
});

test('ICMP by type', async () => {
  await applyAll(policyFor(pods.a, 'egress', [{ protocol: 'icmp', port: 8 }]));
  assert.equal(ping('a', pods.b.address), true);
  await applyAll(policyFor(pods.a, 'egress', [{ protocol: 'icmp', port: 13 }]));
  assert.equal(ping('a', pods.b.address), false);
  await applyAll(policyFor(pods.a, 'egress', [{ protocol: 'icmp', port: -1 }]));
  assert.equal(ping('a', pods.b.address), true);
});

test('SCTP by port, by range and as a whole', async () => {
  const arrives = () => sctpArrives('a', 'b', pods.b.address, 2905);
  const verdicts: boolean[] = [];
  for (const entry of [
    { protocol: 'sctp', port: 2905 },
    { protocol: 'sctp', port: 2900, portEnd: 2904 },
    { protocol: 'sctp', port: 2900, portEnd: 2910 },
    { protocol: 'tcp', port: 2905 },
    { protocol: 'sctp', port: 0 },
  ] as const) {
    await applyAll(policyFor(pods.a, 'egress', [entry]));
    verdicts.push(arrives());
  }
  assert.deepEqual(verdicts, [true, false, true, false, true]);
});

test('a plan that cannot be written changes nothing', async () => {
  await applyAll(policyFor(pods.a, 'egress', []));
  const bad = plainPlan(1, {
    policy: [
      {
        endpoint: 'x; flush ruleset',
        direction: 'egress',
        peer: 0,
        protocol: 'tcp',
        port: 1,
        action: 'allow',
        rules: [],
      },
    ],
  });
  const done = await nodes[0]?.call({ do: 'apply', plan: bad });
  assert.equal(done?.ok, false);
  assert.match(done?.text ?? '', /datapath\.policy\[0\].*an IPv4 address/);
  assert.equal(await saidSoon('a', pods.b.address), 'timeout');
});

test('a table that someone else removed comes back whole with the next change', async () => {
  await applyAll(policyFor(pods.a, 'egress', []));
  await nodes[0]?.call({ do: 'remove-table' });
  await applyAll(policyFor(pods.a, 'egress', [{ peer: pods.b.identity, port: 8080 }]));
  assert.equal(await said('a', pods.b.address), `b ${pods.a.address}`);
  assert.equal(await saidSoon('a', pods.c.address), 'timeout');
});
