import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyPeer } from '../model/cilium/index.ts';
import { cachedSelectorText } from './selector-text.ts';

const rows: readonly (readonly [peer: PolicyPeer, text: string])[] = [
  [
    { kind: 'entity', entity: 'all' },
    '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}',
  ],
  [
    { kind: 'endpoints', selector: { matchLabels: { 'reserved:world': '' } } },
    '&LabelSelector{MatchLabels:map[string]string{reserved.world: ,},MatchExpressions:[]LabelSelectorRequirement{},}',
  ],
  [
    {
      kind: 'endpoints',
      selector: {
        matchLabels: { 'k8s:b': '2', 'any:a': '1' },
        matchExpressions: [
          { key: 'any:c', operator: 'In', values: ['x', 'y'] },
          { key: 'any:d', operator: 'Exists' },
        ],
      },
    },
    '&LabelSelector{MatchLabels:map[string]string{any.a: 1,k8s.b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:any.c,Operator:In,Values:[x y],},LabelSelectorRequirement{Key:any.d,Operator:Exists,Values:[],},},}',
  ],
  [{ kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }, '[cidr:10.0.0.0/8<exists>[],cidr:10.1.0.0/16<!>[]]'],
  [{ kind: 'cidr', cidr: '2001:db8::/32', except: [] }, '[cidr:2001-db8--0/32<exists>[]]'],
  [{ kind: 'cidr', cidr: '::1/128', except: [] }, '[cidr:0--1/128<exists>[]]'],
  [{ kind: 'cidr', cidr: '0.0.0.0/0', except: [] }, '[reserved:world-ipv4<exists>[]]'],
  [{ kind: 'cidr-group', name: 'g', except: [] }, '[cidrgroup:io.cilium.policy.cidrgroupname/g<exists>[]]'],
  [
    { kind: 'cidr-group', selector: { matchLabels: { team: 'a' } }, except: ['10.0.0.0/8'] },
    '[cidrgroup:team<=>[a],cidr:10.0.0.0/8<!>[]]',
  ],
  [{ kind: 'fqdn', matchName: 'a.b' }, 'MatchName: a.b, MatchPattern: '],
  [{ kind: 'fqdn', matchPattern: '*.b' }, 'MatchName: , MatchPattern: *.b'],
  [{ kind: 'service', namespace: 'shop', name: 'cart' }, 'toServices shop/cart'],
];

for (const [peer, text] of rows) {
  test(`${JSON.stringify(peer)} is named as Cilium names it`, () => {
    assert.equal(cachedSelectorText(peer), text);
  });
}

test('the text of a selector is bounded', () => {
  assert.equal(cachedSelectorText({ kind: 'fqdn', matchName: 'a'.repeat(9999) }).length, 501);
});
