import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './index.ts';
import { clients, cnp, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const rule = (port: string, layer7: object) => [{ ports: [{ port, protocol: 'TCP' }], ...layer7 }];
const http = { rules: { http: [{ path: '/a' }] } };
const dns = { rules: { dns: [{ matchName: 'a.b' }] } };
const names = { serverNames: ['a.b'] };
const policy = (name: string, ...items: object[]) => cnp({ endpointSelector: clients, egress: items }, name);
const world = { toEntities: ['world'] };
const worldText =
  '&LabelSelector{MatchLabels:map[string]string{reserved.world: ,},MatchExpressions:[]LabelSelectorRequirement{},}';
const cluster = { toEntities: ['cluster'] };

const message = (...policies: readonly object[]): readonly string[] =>
  plan(walkthroughWorld({ policies })).reports.map(({ condition }) => condition.message);
const place = 'spec.egress[0].toPorts[0]';
const rest = 'the rest of the policy is in force';
const fine = 'Policy validation succeeded';

test('rules for one selector and port that Cilium refuses to merge are named, each with its place', () => {
  const table: readonly (readonly [object, object, string | undefined])[] = [
    [
      { ...world, toPorts: rule('53', http) },
      { ...world, toPorts: rule('53', dns) },
      'conflicting L7 parsers (http/dns)',
    ],
    [
      { ...world, toPorts: rule('53', dns) },
      { ...world, toPorts: rule('53', names) },
      'conflicting L7 parsers (tls/dns)',
    ],
    [
      { ...world, toPorts: rule('443', names) },
      { ...world, toPorts: rule('443', http) },
      `L7 rules for cached selector ${worldText} with SNI filtering without TLS termination: [a.b]`,
    ],
    [{ ...world, toPorts: rule('53', http) }, { ...cluster, toPorts: rule('53', dns) }, undefined],
    [{ ...world, toPorts: rule('80', http) }, { ...world, toPorts: rule('53', dns) }, undefined],
    [{ ...world, toPorts: rule('80', http) }, { ...world, toPorts: rule('80', http) }, undefined],
  ];
  for (const [one, other, fault] of table) {
    const wanted = (name: string) =>
      fault === undefined
        ? fine
        : `${place}: cannot merge ${fault} with CiliumNetworkPolicy cilium-test/${name} ${place}; ${rest}`;
    assert.deepEqual(message(policy('a', one), policy('b', other)), [wanted('b'), wanted('a')]);
  }
});

testCases([
  {
    name: 'what conflicts is closed, what else the policies allow is open',
    policies: [
      policy('a', { ...world, toPorts: rule('53', http) }, { ...cluster, toPorts: rule('8080', {}) }),
      policy('b', { ...world, toPorts: rule('53', dns) }),
    ],
    expect: [
      ['egress client>world tcp/53', 'default-deny'],
      ['egress client>echo tcp/8080', 'allow'],
    ],
  },
]);
