import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflictsOfManifests } from './index.ts';

const cnp = (name: string, endpointSelector: object, layer7: object, namespace?: string) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name, ...(namespace !== undefined && { namespace }) },
  spec: { endpointSelector, ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], ...layer7 }] }] },
});
const ccnp = (endpointSelector: object, layer7: object) => ({
  ...cnp('c', endpointSelector, layer7),
  kind: 'CiliumClusterwideNetworkPolicy',
});
const http = { rules: { http: [{ path: '/' }] } };
const names = { serverNames: ['a.b'] };
const app = (value: string) => ({ matchLabels: { app: value } });
const pod = (name: string, labels: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'c' }] },
});
const isApp = (...values: string[]) => ({ matchExpressions: [{ key: 'any:app', operator: 'In', values }] });

const everybody = '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}';

/** Manifests, and whom their one conflict is for. */
const rows: readonly (readonly [what: string, manifests: readonly object[], whom: string | undefined])[] = [
  ['nothing', [], undefined],
  ['policies that cannot meet', [cnp('a', app('x'), http), cnp('b', app('y'), names)], undefined],
  ['policies of two namespaces', [cnp('a', {}, http, 'one'), cnp('b', {}, names, 'two')], undefined],
  ['rules that are merged', [cnp('a', {}, http), cnp('b', {}, http)], undefined],
  ['every pod of both', [cnp('a', {}, http), cnp('b', {}, names)], 'for pods of namespace default without labels'],
  [
    'the labels that one of them asks for',
    [cnp('a', { matchLabels: { 'k8s:app': 'x' } }, http), cnp('b', isApp('y', 'x'), names)],
    'for pods of namespace default with the labels app=x',
  ],
  [
    'a policy of the whole cluster, for a namespace',
    [cnp('a', {}, http, 'shop'), ccnp({ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'shop' } }, names)],
    'for pods of namespace shop without labels',
  ],
  [
    'pods that are there go before labels',
    [cnp('a', app('x'), http), cnp('b', isApp('x'), names), pod('one', { app: 'x' }), pod('two', { app: 'x' })],
    'for pod default/one and 1 more',
  ],
  [
    'labels that two policies ask for, on a pod that has both',
    [
      cnp('a', app('x'), http),
      cnp('b', { matchLabels: { tier: 'y' } }, names),
      { ...pod('both', { app: 'x', tier: 'y' }), metadata: { name: 'both', labels: { app: 'x', tier: 'y' } } },
    ],
    'for pod default/both',
  ],
  [
    'what cannot be a label of a pod is left alone',
    [
      cnp('a', { matchLabels: { 'reserved:ingress': '' } }, http),
      cnp('b', { matchLabels: { 'reserved:ingress': '' } }, names),
    ],
    undefined,
  ],
];

test('a node that cannot be planned for says nothing, and keeps others from saying nothing', () => {
  const policies = [cnp('a', {}, http), cnp('b', {}, names)];
  const broken = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'broken' }, spec: { podCIDR: 'none' } };
  const whole = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'whole' } };
  assert.equal(conflictsOfManifests([...policies, broken], 'default').length, 0);
  assert.equal(conflictsOfManifests([...policies, broken, whole], 'default').length, 1);
});

for (const [what, manifests, whom] of rows) {
  test(`${what}: ${whom ?? 'no conflict'}`, () => {
    const found = conflictsOfManifests(manifests, 'default');
    assert.deepEqual(
      found.map((one) => one.whom),
      whom === undefined ? [] : [whom],
    );
    for (const { rules, message } of found) {
      assert.notEqual(rules[0].name, rules[1].name);
      assert.equal(
        message,
        `cannot merge L7 rules for cached selector ${everybody} with SNI filtering without TLS termination: [a.b]`,
      );
    }
  });
}
