import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AddressRange,
  intersectRanges,
  mergeRanges,
  prefixesOf,
  rangeOf,
  subtractRanges,
} from './address-ranges.ts';
import { worldIdentities } from './local-identities.ts';

const range = fc
  .tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60 }))
  .map(([start, length]): AddressRange => ({ start, end: start + length }));
const members = (ranges: readonly AddressRange[]) => {
  const all = new Set<number>();
  for (const { start, end } of ranges) for (let at = start; at <= end; at++) all.add(at);
  return all;
};

test('range arithmetic agrees with sets of numbers', () => {
  fc.assert(
    fc.property(fc.array(range), fc.array(range), range, (a, b, whole) => {
      const [setA, setB] = [members(a), members(b)];
      assert.deepEqual(members(mergeRanges(a)), new Set([...setA].sort((x, y) => x - y)));
      const common = [...setA].filter((one) => setB.has(one)).sort((x, y) => x - y);
      assert.deepEqual([...members(intersectRanges(mergeRanges(a), mergeRanges(b)))], common);
      const rest = [...members([whole])].filter((one) => !setB.has(one));
      assert.deepEqual([...members(subtractRanges(whole, b))], rest);
      assert.deepEqual(
        members(prefixesOf(mergeRanges(a)).map((text) => rangeOf(text) ?? whole)),
        members(mergeRanges(a)),
      );
    }),
  );
});

test('prefixes of the whole space and of its ends', () => {
  assert.deepEqual(prefixesOf([{ start: 0, end: 0xffff_ffff }]), ['0.0.0.0/0']);
  assert.deepEqual(prefixesOf([{ start: 0xffff_fffe, end: 0xffff_ffff }]), ['255.255.255.254/31']);
  assert.deepEqual(prefixesOf([{ start: 1, end: 2 }]), ['0.0.0.1/32', '0.0.0.2/32']);
});

test('the world is split into disjoint identities that leave the cluster out', () => {
  const holes = ['10.244.1.0/24', '172.30.0.1'].flatMap((text) => rangeOf(text) ?? []);
  const learnt = new Map([['203.0.113.10', ['fqdn:one.one.one.one']]]);
  const world = worldIdentities(['10.0.0.0/8', '10.1.0.0/16', '10.244.1.5/32', '203.0.113.0/24'], learnt, holes, []);
  const byLabel = new Map(world.map((identity) => [identity.labels.join(' '), identity]));
  const owns = (label: string, address: string) => {
    const point = rangeOf(address);
    return (
      byLabel.get(label)?.ranges.some(({ start, end }) => point && start <= point.start && point.end <= end) ?? false
    );
  };
  assert.equal(owns('cidr:10.0.0.0/8 reserved:world', '10.2.3.4'), true);
  assert.equal(owns('cidr:10.0.0.0/8 reserved:world', '10.1.3.4'), false);
  assert.equal(owns('cidr:10.0.0.0/8 reserved:world', '10.244.1.5'), false);
  assert.equal(byLabel.has('cidr:10.244.1.5/32 reserved:world'), false);
  assert.equal(owns('cidr:203.0.113.0/24 fqdn:one.one.one.one reserved:world', '203.0.113.10'), true);
  assert.equal(owns('cidr:203.0.113.0/24 reserved:world', '203.0.113.10'), false);
  assert.equal(byLabel.get('reserved:world')?.id, 2);
  assert.equal(owns('reserved:world', '172.30.0.1'), false);
  assert.equal(owns('reserved:world', '8.8.8.8'), true);
  const total = world.flatMap(({ ranges }) => ranges).reduce((sum, { start, end }) => sum + end - start + 1, 0);
  assert.equal(total, 2 ** 32 - 256 - 1);
});
