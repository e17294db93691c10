import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseSubnet, hostResolvers, routePrefixes } from './uplink-plan.ts';

test('routes give their destinations and whether there is a way out', () => {
  const cases: readonly [text: string, prefixes: readonly string[], hasWayOut: boolean][] = [
    ['', [], false],
    ['default via 192.0.2.1 dev eth0 \n192.0.2.0/24 dev eth0 scope link', ['192.0.2.0/24'], true],
    ['unreachable default dev lo table 5', [], false],
    ['0.0.0.0/1 via 10.0.0.1 dev tun0\n128.0.0.0/1 via 10.0.0.1 dev tun0', [], true],
    ['local 127.0.0.0/8 dev lo table local\nbroadcast 10.1.2.255 dev x', ['127.0.0.0/8', '10.1.2.255'], false],
    ['nonsense\n999.1.1.1/8 dev x', [], false],
  ];
  for (const [text, prefixes, hasWayOut] of cases) {
    assert.deepEqual(routePrefixes(text), { prefixes, hasWayOut }, text);
  }
});

test('the subnet is one that no route covers', () => {
  const free = chooseSubnet([], 'home');
  assert.ok(free);
  assert.match(free.cidr, /^100\.(6[4-9]|[78]\d|9[0-5])\.\d+\.0\/24$/);
  assert.deepEqual(chooseSubnet([], 'home'), free);
  const network = free.cidr.replace(/\.0\/24$/, '');
  assert.equal(free.fabric, `${network}.100`);
  assert.equal(free.gateway, `${network}.2`);
  for (const taken of [free.cidr, free.fabric, `${network}.128/25`, `${network}.0/30`]) {
    assert.equal(chooseSubnet([taken], 'home')?.index, (free.index + 1) % 8192, taken);
  }
  assert.equal(chooseSubnet(['100.64.0.0/10'], 'home'), undefined);
  assert.deepEqual(chooseSubnet(['10.0.0.0/8', '100.96.0.0/11'], 'home'), free);
});

test('resolvers on the loopback are left out with a sentence', () => {
  const cases: readonly [texts: readonly string[], resolvers: readonly string[], warns: RegExp | undefined][] = [
    [['nameserver 192.0.2.53\nnameserver 127.0.0.1\n# nameserver 192.0.2.54'], ['192.0.2.53'], undefined],
    [['nameserver 127.0.0.53', 'nameserver 192.0.2.1\nnameserver 192.0.2.2'], ['192.0.2.1', '192.0.2.2'], undefined],
    [['nameserver 127.0.0.53', ''], [], /only 127\.0\.0\.53, which the cluster cannot reach/],
    [['nameserver 2001:db8::1', ''], [], /2001:db8::1/],
    [['', ''], [], /none is named/],
  ];
  for (const [texts, resolvers, warns] of cases) {
    const found = hostResolvers(texts);
    assert.deepEqual(found.resolvers, resolvers);
    assert.equal(found.warnings.length, warns ? 1 : 0);
    if (warns) assert.match(found.warnings[0] ?? '', warns);
  }
});
