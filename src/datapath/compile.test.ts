import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatapathPlan, tcpFlags } from '../plan/index.ts';
import { compileRuleset } from './compile.ts';
import { linkCommands } from './links.ts';
import { disjoint } from './policy-elements.ts';
import { difference, emptyRuleset } from './transaction.ts';

const node = (index: number) => ({
  name: `n${index}`,
  index,
  address: `172.30.0.${index}`,
  routerAddress: `10.244.${index}.1`,
  podCidr: `10.244.${index}.0/24`,
});
const plan: DatapathPlan = {
  mode: 'vxlan',
  node: node(1),
  peers: [node(2)],
  serviceCidr: '10.96.0.0/16',
  endpoints: [],
  ipcache: [],
  policy: [],
  services: [],
  serviceRedirects: [],
  monitorAggregation: { level: 'medium', intervalSeconds: 5, flags: tcpFlags },
};
const entry = {
  endpoint: '10.244.1.10',
  direction: 'egress',
  peer: 0,
  protocol: 'tcp',
  port: 0,
  action: 'allow',
  rules: [],
} as const;

function compiled(change: Partial<DatapathPlan>) {
  const result = compileRuleset({ ...plan, ...change });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

test('an entry becomes an element of the set of its shape', () => {
  const cases = [
    [{ peer: 7, port: 80 }, 'egress_allow_identity_port', '10.244.1.10 . 7 . tcp . 80'],
    [{ port: 80 }, 'egress_allow_port', '10.244.1.10 . tcp . 80'],
    [{ port: 80, portEnd: 90 }, 'egress_allow_range', '10.244.1.10 . tcp . 80-90'],
    [{ peer: 7 }, 'egress_allow_identity_protocol', '10.244.1.10 . 7 . tcp'],
    [{}, 'egress_allow_protocol', '10.244.1.10 . tcp'],
    [{ peer: 7, protocol: 'any' }, 'egress_allow_identity', '10.244.1.10 . 7'],
    [{ protocol: 'any' }, 'egress_allow_any', '10.244.1.10'],
    [{ protocol: 'icmp', port: 0 }, 'egress_allow_icmp', '10.244.1.10 . 0'],
    [{ protocol: 'icmp', port: -1 }, 'egress_allow_protocol', '10.244.1.10 . icmp'],
    [{ action: 'deny', direction: 'ingress', port: 1 }, 'ingress_deny_port', '10.244.1.10 . tcp . 1'],
  ] as const;
  for (const [change, set, key] of cases) {
    assert.deepEqual(
      [
        ...(compiled({ policy: [{ ...entry, ...change }] })
          .sets.get(set)
          ?.keys() ?? []),
      ],
      [key],
      set,
    );
  }
});

test('a redirect names its chain and is an allow for the proxy’s own packets', () => {
  const ruleset = compiled({ policy: [{ ...entry, port: 80, action: 'redirect', proxyPort: 10001 }] });
  assert.equal(ruleset.sets.get('egress_redirect_port')?.get('10.244.1.10 . tcp . 80'), 'goto redirect_10001_egress_3');
  assert.ok(ruleset.sets.get('egress_allow_port')?.has('10.244.1.10 . tcp . 80'));
  assert.ok(ruleset.chains.has('redirect_10001_egress_3'));
});

test('ranges of one key never overlap', () => {
  const range = (first: number, last: number, target = '') => ({ ports: { first, last }, target });
  assert.deepEqual(disjoint([range(80, 90), range(85, 95), range(96, 99)]), [{ first: 80, last: 99, target: '' }]);
  assert.deepEqual(disjoint([range(80, 90, 'a'), range(70, 100, 'b')]), [
    { first: 70, last: 79, target: 'b' },
    { first: 80, last: 90, target: 'a' },
    { first: 91, last: 100, target: 'b' },
  ]);
});

test('what cannot be written is refused with its place', () => {
  const cases = [
    [{ policy: [{ ...entry, endpoint: 'x' }] }, 'datapath.policy[0]'],
    [{ policy: [{ ...entry, port: 70000 }] }, 'datapath.policy[0]'],
    [{ policy: [{ ...entry, action: 'redirect' }] }, 'datapath.policy[0]'],
    [{ ipcache: [{ cidr: '1.2.3.4 }', identity: 1 }] }, 'datapath.ipcache[0].cidr'],
    [{ serviceCidr: 'x' }, 'datapath.serviceCidr'],
  ] as const;
  for (const [change, path] of cases) {
    const result = compileRuleset({ ...plan, ...(change as Partial<DatapathPlan>) });
    assert.ok(!result.ok);
    assert.equal(result.error[0]?.path, path);
  }
});

test('a difference touches only what changed, and nothing when nothing did', () => {
  const before = compiled({ policy: [{ ...entry, port: 80 }] });
  const next = compiled({ policy: [{ ...entry, port: 81 }] });
  assert.equal(difference(before, before).commands, '');
  assert.deepEqual(difference(before, next).commands.trim().split('\n'), [
    'delete element inet ciliate egress_allow_port { 10.244.1.10 . tcp . 80 }',
    'add element inet ciliate egress_allow_port { 10.244.1.10 . tcp . 81 }',
  ]);
  assert.equal(difference(emptyRuleset, next).removed, 0);
});

test('links follow the mode and the peers', () => {
  const state = { hasOverlay: false, hasProxyRule: true, applied: undefined };
  const first = linkCommands(state, plan);
  assert.ok(first.ip.some((line) => line.startsWith('link add vx0')));
  assert.equal(first.bridge.length, 1);
  const settled = { hasOverlay: true, hasProxyRule: true, applied: plan };
  assert.deepEqual(linkCommands(settled, plan), { ip: [], bridge: [], cleanup: [] });
  const direct = linkCommands(settled, { ...plan, mode: 'direct' });
  assert.match(direct.ip.join(), /route replace 10\.244\.2\.0\/24 via 172\.30\.0\.2 dev eth0/);
  assert.deepEqual(direct.cleanup, ['link del vx0']);
  assert.deepEqual(linkCommands(settled, { ...plan, peers: [] }).cleanup, [
    'route del 10.244.2.0/24',
    'route del 172.30.0.2/32 table 2005',
  ]);
});

test('the node itself is enforced at both of its addresses, and pods keep theirs towards other nodes', () => {
  const { sets } = compiled({ host: { enforceIngress: true, enforceEgress: false } });
  const of = (name: string) => [...(sets.get(name)?.keys() ?? [])];
  assert.deepEqual(of('ingress_enforced'), ['172.30.0.1', '10.244.1.1']);
  assert.deepEqual(of('ingress_subjects'), ['172.30.0.1', '10.244.1.1']);
  assert.deepEqual(of('egress_enforced'), []);
  assert.deepEqual(of('guarded_nodes'), ['172.30.0.2']);
  assert.deepEqual([...(compiled({}).sets.get('guarded_nodes')?.keys() ?? [])], []);
});
