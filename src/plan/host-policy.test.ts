import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentConfig, plan } from './index.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const config: AgentConfig = { ...walkthroughWorld().config, enableHostFirewall: true };

const hostAddresses = ['172.30.0.1', '10.244.1.1'];

function policy(spec: object) {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumClusterwideNetworkPolicy',
    metadata: { name: 'host', uid: 'u', generation: 1 },
    spec,
  };
}

/** The first address's entries as text; both addresses have the same ones. */
function planned(spec: object, change: Partial<AgentConfig> = {}) {
  const made = plan(walkthroughWorld({ config: { ...config, ...change }, policies: [policy(spec)] }));
  const [first = [], second] = hostAddresses.map((address) =>
    made.datapath.policy
      .filter(({ endpoint }) => endpoint === address)
      .map(({ direction, peer, protocol, port, action }) => `${direction} ${peer} ${protocol}/${port} ${action}`),
  );
  assert.deepEqual(second, first);
  const { host } = made.datapath;
  return {
    enforced: host && [...(host.enforceIngress ? ['ingress'] : []), ...(host.enforceEgress ? ['egress'] : [])],
    entries: first,
    message: made.reports[0]?.condition.message,
    status: made.reports[0]?.condition.status,
  };
}

const own = { matchLabels: { 'kubernetes.io/hostname': 'node-1' } };
const other = { matchLabels: { 'kubernetes.io/hostname': 'node-2' } };
const valid = 'Policy validation succeeded';

test('rules with a nodeSelector are for the nodes that it selects, and for nothing else', () => {
  const ssh = [{ fromEntities: ['remote-node'], toPorts: [{ ports: [{ port: '22', protocol: 'TCP' }] }] }];
  const cases: readonly [string, object, readonly string[], readonly string[]][] = [
    [
      'this node',
      { nodeSelector: own, ingress: ssh },
      ['ingress'],
      ['ingress 6 tcp/22 allow', 'ingress 7 tcp/22 allow'],
    ],
    ['every node', { nodeSelector: {}, ingress: [{}] }, ['ingress'], []],
    ['another node', { nodeSelector: other, ingress: ssh }, [], []],
    [
      'a deny alone',
      { nodeSelector: {}, egressDeny: [{ toEntities: ['world'] }] },
      ['egress'],
      ['egress 2 any/0 deny'],
    ],
    [
      'no default deny',
      {
        nodeSelector: {},
        enableDefaultDeny: { egress: false },
        egressDeny: [{ toEntities: ['world'] }],
      },
      [],
      ['egress 2 any/0 deny'],
    ],
    ['pods', { endpointSelector: {}, ingress: [{}], egress: [{}] }, [], []],
    [
      'the host by an endpoint selector',
      { endpointSelector: { matchLabels: { 'reserved:host': '' } }, ingress: [{}] },
      [],
      [],
    ],
  ];
  for (const [name, spec, enforced, entries] of cases) {
    assert.deepEqual(planned(spec), { enforced, entries, message: valid, status: 'True' }, name);
  }
});

test('a rule for nodes leaves pods alone', () => {
  const made = plan(
    walkthroughWorld({ config, policies: [policy({ nodeSelector: {}, ingress: [{}], egress: [{}] })] }),
  );
  assert.ok(made.datapath.endpoints.every(({ enforceIngress, enforceEgress }) => !enforceIngress && !enforceEgress));
});

test('without the host firewall such a rule is valid and has no effect, and says so', () => {
  const spec = { nodeSelector: {}, ingress: [{}] };
  assert.deepEqual(planned(spec, { enableHostFirewall: false }), {
    enforced: undefined,
    entries: [],
    message: `${valid}; rules with a nodeSelector have no effect: enable-host-firewall is false`,
    status: 'True',
  });
});

test('the enforcement mode concerns the node too', () => {
  const spec = { nodeSelector: other, ingress: [{}] };
  assert.deepEqual(planned(spec, { enablePolicy: 'always' }).enforced, ['ingress', 'egress']);
  assert.deepEqual(planned({ nodeSelector: own, ingress: [{}] }, { enablePolicy: 'never' }).enforced, []);
});

test('what would have to pass a proxy is refused by name', () => {
  const tcp = [{ port: '443', protocol: 'TCP' }];
  const listener = { envoyConfig: { kind: 'CiliumClusterwideEnvoyConfig', name: 'c' }, name: 'l' };
  const cases: readonly [object, string][] = [
    [{ ports: [{ port: '53', protocol: 'UDP' }], rules: { dns: [{ matchPattern: '*' }] } }, 'rules.dns: DNS rules'],
    [{ ports: tcp, serverNames: ['a.example'] }, 'serverNames: filtering nodes'],
    [{ ports: tcp, listener }, 'listener: sending connections'],
  ];
  for (const [rule, expected] of cases) {
    const { status, message, enforced } = planned({ nodeSelector: {}, egress: [{ toPorts: [rule] }] });
    assert.deepEqual([status, enforced], ['False', []], expected);
    assert.ok(message?.includes(`spec.egress[0].toPorts[0].${expected}`), message);
  }
});
