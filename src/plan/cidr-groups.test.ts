import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './index.ts';
import { type Case, clients, cnp, egress, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

function group(name: string, externalCIDRs: readonly string[], labels: object = {}): object {
  return { apiVersion: 'cilium.io/v2', kind: 'CiliumCIDRGroup', metadata: { name, labels }, spec: { externalCIDRs } };
}

const ones = group('ones', ['1.0.0.1/32', '1.0.0.2/32'], { side: 'left' });
const everything = group('everything', ['0.0.0.0/0', '10.0.0.0/8', '2001:db8::/32'], { side: 'right' });

const cases: readonly Case[] = [
  {
    name: 'a group by name: its addresses on every port, nothing else',
    policies: [egress({ toCIDRSet: [{ cidrGroupRef: 'ones' }] })],
    world: { cidrGroups: [ones, everything] },
    expect: [
      ['egress client>one tcp/1', 'allow'],
      ['egress client>two icmp/8', 'allow'],
      ['egress client>world tcp/1', 'default-deny'],
      ['egress client>echo tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'groups by label, less an exception',
    policies: [
      egress({
        toCIDRSet: [{ cidrGroupSelector: { matchLabels: { side: 'left' } }, except: ['1.0.0.1/32'] }],
      }),
    ],
    world: { cidrGroups: [ones, everything] },
    expect: [
      ['egress client>one tcp/1', 'default-deny'],
      ['egress client>two tcp/1', 'allow'],
      ['egress client>world tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'an empty selector takes every group; a group of everything is the world, never pods or nodes',
    policies: [egress({ toCIDRSet: [{ cidrGroupSelector: {} }] })],
    world: { cidrGroups: [ones, everything] },
    expect: [
      ['egress client>one tcp/1', 'allow'],
      ['egress client>world tcp/1', 'allow'],
      ['egress client>echo tcp/1', 'default-deny'],
      ['egress client>node2 tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'a group that is not there selects nothing and isolates',
    policies: [egress({ toCIDRSet: [{ cidrGroupRef: 'gone' }] })],
    expect: [
      ['egress client>one tcp/1', 'default-deny'],
      ['egress client>world tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'a deny of a group beats the allow around it, and prefixes inside a group belong to it',
    policies: [
      cnp({
        endpointSelector: clients,
        egress: [{ toCIDR: ['0.0.0.0/0'] }, { toCIDR: ['1.0.0.2/32'] }],
        egressDeny: [{ toCIDRSet: [{ cidrGroupRef: 'wide', except: ['1.0.0.1/32'] }] }],
      }),
    ],
    world: { cidrGroups: [group('wide', ['1.0.0.0/24', 'nonsense'])] },
    expect: [
      ['egress client>one tcp/80', 'allow'],
      ['egress client>two tcp/80', 'deny'],
      ['egress client>world tcp/80', 'allow'],
    ],
  },
];
testCases(cases);

test('the prefixes of a group share one identity with its labels, and the world keeps the rest', () => {
  const policies = [egress({ toCIDRSet: [{ cidrGroupRef: 'ones' }] }, { toEntities: ['world'] })];
  const made = plan(walkthroughWorld({ policies, cidrGroups: [ones, everything] }));
  const local = [...made.identities].filter(([id]) => id > 0x100_0000).map(([, labels]) => labels);
  assert.deepEqual(local, [['cidrgroup:io.cilium.policy.cidrgroupname/ones', 'cidrgroup:side=left', 'reserved:world']]);
  assert.deepEqual(
    made.datapath.ipcache.filter(({ identity }) => identity > 0x100_0000).map(({ cidr }) => cidr),
    ['1.0.0.1/32', '1.0.0.2/32'],
  );
});

test('a group of ten thousand prefixes is one identity', () => {
  const prefixes = Array.from({ length: 10_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/25`);
  const policies = [egress({ toCIDRSet: [{ cidrGroupRef: 'large' }] })];
  const made = plan(walkthroughWorld({ policies, cidrGroups: [group('large', prefixes)] }));
  const entries = made.datapath.ipcache.filter(({ identity }) => identity > 0x100_0000);
  assert.equal(entries.length, 10_000);
  assert.equal(new Set(entries.map(({ identity }) => identity)).size, 1);
});
