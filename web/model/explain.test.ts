import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, summarize, word } from './explain.ts';
import { filterBetween } from './filters.ts';
import { type Flow, readFlow } from './flow.ts';

const client = { namespace: 'shop', pod_name: 'web-1', workloads: [{ name: 'web' }] };
const server = { namespace: 'bank', pod_name: 'ledger-1', workloads: [{ name: 'ledger' }] };
const denied: Flow = {
  verdict: 'DROPPED',
  source: client,
  destination: server,
  destination_service: { name: 'ledger', namespace: 'bank' },
  l4: { TCP: { source_port: 4000, destination_port: 8443 } },
  l7: { type: 'REQUEST', http: { method: 'DELETE', url: 'http://ledger/accounts/4?really=1' } },
  traffic_direction: 'INGRESS',
  ingress_denied_by: [
    {
      name: 'only-reads',
      namespace: 'bank',
      kind: 'CiliumNetworkPolicy',
      labels: ['ciliate:rule=spec.ingressDeny[0]'],
    },
  ],
};

test('a denied request names the policy, its rule and the command that shows it', () => {
  const steps = explain(readFlow(denied));
  const policy = steps.find(({ title }) => title === 'Denied by ingress policy');
  assert.deepEqual(policy, {
    title: 'Denied by ingress policy',
    text: 'CiliumNetworkPolicy bank/only-reads, rule spec.ingressDeny[0]',
    commands: ['kubectl get ciliumnetworkpolicy -n bank only-reads -o yaml'],
  });
  assert.match(steps.find(({ title }) => title === 'Service')?.text ?? '', /bank\/ledger; pod ledger-1 is the backend/);
  assert.match(steps.find(({ title }) => title === 'Redirect')?.text ?? '', /to the proxy/);
  assert.deepEqual(steps.at(-1)?.commands, [
    `ciliate policy explain --from shop/web-1 --to pod/bank/ledger-1 --port 8443/TCP --http 'DELETE /accounts/4?really=1'`,
  ]);
});

test('a request that no rule allows names the rules that were asked', () => {
  const [rule] = denied.ingress_denied_by ?? [];
  const asked = { ...rule, labels: ['ciliate:rule=spec.ingress[0].toPorts[0]'] };
  const steps = explain(readFlow({ ...denied, ingress_denied_by: [asked] }));
  const policy = steps.find(({ title }) => title === 'Not allowed by ingress policy');
  assert.equal(policy?.text, 'CiliumNetworkPolicy bank/only-reads, rule spec.ingress[0].toPorts[0]');
});

test('the way of a request through the proxy: listener, route, rewrite and cluster, each where it is known', () => {
  const way = (proxied: NonNullable<Flow['proxied']>) =>
    explain(readFlow({ ...denied, proxied }))
      .filter(({ title }) => ['Listener', 'Route', 'Rewrite', 'Cluster'].includes(title))
      .map(({ title, text, commands }) => [title, text, ...commands]);
  assert.deepEqual(
    way({ listener: 'shop/config/entry', route: 'old', cluster: 'shop/ledger:8443', original_path: '/old/4' }),
    [
      ['Listener', 'entry of CiliumEnvoyConfig shop/config', 'kubectl get ciliumenvoyconfig -n shop config -o yaml'],
      ['Route', 'old'],
      ['Rewrite', '/old/4 was asked for, /accounts/4?really=1 was sent'],
      ['Cluster', 'shop/ledger:8443'],
    ],
  );
  assert.deepEqual(way({ listener: '/wide/entry' }), [
    ['Listener', 'entry of CiliumClusterwideEnvoyConfig wide', 'kubectl get ciliumclusterwideenvoyconfig wide -o yaml'],
  ]);
  assert.deepEqual(way({ listener: 'cilium-http-egress' }), [
    ['Listener', 'cilium-http-egress, which Layer-7 rules lead to'],
  ]);
  assert.deepEqual(way({}), []);
});

test('a packet that no policy allows says so', () => {
  const { l7: _, ingress_denied_by: __, ...packet } = denied;
  const steps = explain(readFlow({ ...packet, drop_reason_desc: 'POLICY_DENIED' }));
  const step = steps.find(({ title }) => title === 'Denied by default');
  assert.match(step?.text ?? '', /ingress policies of the receiver/);
  const other = explain(readFlow({ ...packet, drop_reason_desc: 'STALE_OR_UNROUTABLE_IP' }));
  assert.equal(other.find(({ title }) => title === 'Reason')?.text, 'stale or unroutable ip');
});

const sentences: readonly { readonly flow: Flow; readonly says: string }[] = [
  { flow: denied, says: 'shop/web asked bank/ledger for HTTP DELETE /accounts/* and it was denied.' },
  { flow: { ...denied, verdict: 'FORWARDED' }, says: 'shop/web asked bank/ledger for HTTP DELETE /accounts/*.' },
  {
    flow: {
      verdict: 'FORWARDED',
      source: server,
      destination: client,
      l7: { type: 'RESPONSE', latency_ns: '1500000', http: { method: 'GET', url: '/x', code: 200 } },
    },
    says: "bank/ledger answered shop/web's HTTP GET /x with status 200 after 1.5 ms.",
  },
  {
    flow: { source: client, destination: server, l4: { UDP: { destination_port: 53 } } },
    says: 'shop/web sent a packet to bank/ledger, UDP port 53.',
  },
];

for (const { flow, says } of sentences) {
  test(`a flow is told: ${says}`, () => assert.equal(summarize(readFlow(flow)), says));
}

test('what the network says cannot leave its word in a command', () => {
  assert.equal(word('a/b-1'), 'a/b-1');
  assert.equal(word("x'; rm -rf /"), `'x'\\''; rm -rf /'`);
  assert.equal(word('-o'), `'-o'`);
  const hostile = readFlow({ ...denied, source: { ...client, pod_name: '$(reboot)' } });
  assert.match(filterBetween(hostile) ?? '', /--from-pod 'shop\/\$\(reboot\)'/);
});
