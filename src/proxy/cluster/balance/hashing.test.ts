import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Hash64, hash64, xxHash64 } from '../../hash/xxhash64.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { LoadBalancerContext, RetrySelection } from '../context.ts';
import { HEALTH, Host, localityOf } from '../host.ts';
import { createBalancer } from './create.ts';
import { type BalancerPolicy, PLAIN_HASHING } from './policy.ts';
import type { RingOptions } from './ring.ts';
import type { MaglevStats, RingStats } from './stats.ts';
import { environment, makeHosts, makeSet } from './testing.ts';

type Policy = Extract<BalancerPolicy, { readonly kind: 'ring_hash' | 'maglev' }>;

const ring = (more: Partial<RingOptions>, localityWeighted = false): Policy => ({
  kind: 'ring_hash',
  ring: { minSize: 1024, maxSize: 8_388_608, murmur: false, ...more },
  hashing: { ...PLAIN_HASHING, localityWeighted },
});
const maglev = (tableSize: number, localityWeighted = false): Policy => ({
  kind: 'maglev',
  tableSize,
  hashing: { ...PLAIN_HASHING, localityWeighted },
});

const PEER = { address: '10.0.0.1', port: 1 };
const info = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });

const hashed = (hash: Hash64 | undefined, retry?: RetrySelection): LoadBalancerContext => ({
  info,
  hash: () => hash,
  metadataMatch: undefined,
  retry,
});
const keyed = (key: string, retry?: RetrySelection): LoadBalancerContext => hashed(xxHash64(Buffer.from(key)), retry);

/**
 * What Envoy 1.40 chose for requests with a header hash policy and the values `key-0`, `key-1`, ...: the index of the host of each.
 * Hosts are `127.0.0.1:26100` and up, with weights or with `hash_key`s; of the local ones the first is in a locality of weight 1 and the
 * others in one of weight 3. Then the policy's statistics, sorted by name.
 */
const ENVOY: readonly (readonly [string, Policy, readonly (number | string)[], string, readonly number[]])[] = [
  [
    'ring',
    ring({}),
    [1, 1, 1],
    '2121220000111221022010222102101202221222211010120102211210210001210011221211021010120120110202221210021212021201211022001111202201110100020002001122011221120010',
    [342, 342, 1026],
  ],
  [
    'ringSmall',
    ring({ minSize: 8 }),
    [1, 1, 1],
    '0000002100010010000000100100011200000000000000000002001000010000000000100001020000000000000020001200002000200000000000000010000000012000020200000000100010010000',
    [3, 3, 9],
  ],
  [
    'ringMax',
    ring({ minSize: 3, maxSize: 6 }),
    [1, 1, 1, 1],
    '3031112333133331131313003031333233333111331331333332133333133333331331331333123313103333311323310233132133231133333333333133113311132333321233113111133333303110',
    [1, 1, 4],
  ],
  [
    'ringWeighted',
    ring({}),
    [1, 2, 5],
    '2222222122112221222122222222121222221222212010121222212220210201220211221212022212121122212222222210022222222222211022121211212222212122220222201222121222221010',
    [640, 128, 1024],
  ],
  [
    'ringOdd',
    ring({ minSize: 10, maxSize: 17 }),
    [3, 7, 11],
    '1022222112212212212121101122212221212222222122222122222222222222222212212222222221201121122122121221222221222222122121111212221222212121222211201222112212112220',
    [7, 2, 14],
  ],
  [
    'ringMurmur',
    ring({ murmur: true }),
    [1, 2, 3, 4, 5],
    '3411140223334222332442223204333403424344312411134002343344234403401444423343311124323432041243313104344344031340133444431333332414333340444040333344301144332333',
    [345, 69, 1035],
  ],
  [
    'ringTyped',
    ring({ minSize: 16, murmur: true }),
    [1, 3],
    '1111111101111111111010110111111100101111111011111011111011111010111101101111111111110000011011111110111110101110011010001111110111111110111110110111101111011111',
    [12, 4, 16],
  ],
  [
    'ringKeys',
    ring({}),
    ['one', 'two', 'three'],
    '0021122111212112020022211101100010011012110102002000022012201110011222220112100121102210210100222101001010022121111002100221010010220202121020010220100212221220',
    [342, 342, 1026],
  ],
  [
    'ringLocal',
    ring({}, true),
    [1, 3, 3],
    '2121220000111221222022222102121202221221211010121102211210210201210011221211022012121120112202221210121212021201211022001111202211110100020001201122011221120010',
    [384, 256, 1024],
  ],
  [
    'maglev',
    maglev(65_537),
    [1, 1, 1],
    '1122100201011012002220120102202010210001011101111012211111010201100122221122110210201202222201010120200220020222200220110011201000010220112202211121220000220010',
    [21846, 21845],
  ],
  [
    'maglevWeighted',
    maglev(65_537),
    [1, 2, 5],
    '2122102221221212022220222122222011212021122101212222221212220201102122221222210212221222222202212121200222022222200222112221202022212220212222221122222020220012',
    [40959, 8193],
  ],
  [
    'maglevSmall',
    maglev(11),
    [1, 1, 1, 1, 1],
    '4322123201300010202010100001303134003013042023144220410430220113242100323441240013242220023331120231302230130220444121423241103011243303134302030011132330240200',
    [3, 2],
  ],
  [
    'maglevOdd',
    maglev(29),
    [1, 4, 7],
    '0122222102222022122012221111222222112212121122021122222022222222221222222021212222221122222011021202221222221122012211221201211122221101122212012101112021122122',
    [16, 3],
  ],
  [
    'maglevTyped',
    maglev(251),
    [2, 3],
    '0101010110011011011111001000111011011111100000001111010000111101110101011010011100111011010010111111111000011100011100011000111001010011100000011111110111111000',
    [150, 101],
  ],
  [
    'maglevKeys',
    maglev(65_537),
    ['one', 'two', 'three'],
    '1001110002202110020020002200012122110011020202020010111210201121011102001110212110222021210012211022222121120110001012222102012202201002000220222112200011221220',
    [21846, 21845],
  ],
  [
    'maglevLocal',
    maglev(65_537, true),
    [1, 3, 3],
    '1122100201011012022220122102202010210011011101111012211111010201101122221122110210201202222201210120200222021222200220111011201001012220112202211121222010220012',
    [24576, 16385],
  ],
];

function hostsOf(specs: readonly (number | string)[], local: boolean): readonly Host[] {
  return specs.map((spec, index) => {
    const address = { kind: 'socket', host: '127.0.0.1', port: 26_100 + index } as const;
    if (typeof spec === 'string') return new Host({ address, metadata: { 'envoy.lb': { hash_key: spec } } });
    return local
      ? new Host({ address, locality: localityOf('', index === 0 ? 'z0' : 'z1', '') })
      : new Host({ address, weight: spec });
  });
}

for (const [what, policy, specs, choices, stats] of ENVOY) {
  test(`${what}: every key goes where Envoy sends it`, () => {
    const own: Record<string, unknown>[] = [];
    const balancer = createBalancer(
      policy,
      environment({
        ownStats: (kind) => {
          const object = kind.create();
          own.push(object as Record<string, unknown>);
          return object;
        },
      }),
    );
    const local = policy.hashing.localityWeighted;
    const hosts = hostsOf(specs, local);
    const localityWeights = local
      ? new Map([
          [`\0z0\0`, 1],
          [`\0z1\0`, 3],
        ])
      : new Map<string, number>();
    balancer.update([makeSet(hosts, { localityWeights })]);
    const found = [...choices].map((_, index) => hosts.indexOf(balancer.choose(keyed(`key-${index}`)) as Host));
    assert.equal(found.join(''), choices);
    const counts = own[0] as unknown as RingStats & MaglevStats;
    assert.deepEqual([counts.most, counts.least, ...(policy.kind === 'maglev' ? [] : [counts.size])], stats);
  });
}

for (const policy of [ring({}), maglev(101)]) {
  test(`${policy.kind}: health, priorities and panic`, () => {
    const surroundings = environment();
    const balancer = createBalancer(policy, surroundings);
    const choose = (hash: bigint): string | undefined => balancer.choose(hashed(hash64(hash)))?.name;
    assert.equal(choose(1n), undefined);
    balancer.update([makeSet([])]);
    assert.equal(choose(1n), undefined);
    const down = { health: HEALTH.FAILED_EDS_HEALTH };
    balancer.update([makeSet(makeHosts([{}, down])), makeSet(makeHosts([{}], 8), {}, 1)]);
    // 70 % of the hashes belong to the first priority, by their remainder.
    for (const rest of [0n, 69n, 70n, 99n])
      assert.equal(choose(7_700n + rest), rest < 70n ? '10.0.0.1:80' : '10.0.0.9:80');
    const degraded = { health: HEALTH.DEGRADED_EDS_HEALTH };
    balancer.update([makeSet(makeHosts([degraded]))]);
    assert.equal(choose(1n), undefined, 'degraded hosts are in no table');
    const { healthyPanic } = surroundings.stats;
    balancer.update([makeSet(makeHosts([down]))]);
    assert.equal(choose(1n), '10.0.0.1:80');
    assert.equal(surroundings.stats.healthyPanic, healthyPanic + 1);
  });

  test(`${policy.kind}: a retry goes to another host`, () => {
    const balancer = createBalancer(policy, environment());
    const hosts = makeHosts([{}, {}, {}]);
    balancer.update([makeSet(hosts)]);
    for (let index = 0; index < 20; index++) {
      const first = balancer.choose(keyed(`k${index}`));
      const retry: RetrySelection = {
        maxAttempts: 20,
        rejects: (host) => host === first,
        priorityLoad: (state) => state.load,
      };
      assert.notEqual(balancer.choose(keyed(`k${index}`, retry)), first);
    }
  });

  test(`${policy.kind}: without a hash hosts are chosen at random`, () => {
    const balancer = createBalancer(policy, environment());
    balancer.update([makeSet(makeHosts([{}, {}]))]);
    const names = new Set(Array.from({ length: 50 }, () => balancer.choose(hashed(undefined))?.name));
    assert.equal(names.size, 2);
  });

  test(`${policy.kind}: a host with too many requests is passed over`, () => {
    let active = 0;
    const bounded: Policy = { ...policy, hashing: { ...policy.hashing, balanceFactor: 150 } };
    const balancer = createBalancer(bounded, environment({ activeRequests: () => active }));
    const hosts = makeHosts([{}, {}, {}]);
    balancer.update([makeSet(hosts)]);
    const take = (): Host => {
      const host = balancer.choose(keyed('same')) as Host;
      host.activeRequests++;
      active++;
      return host;
    };
    for (let count = 0; count < 60; count++) take();
    // Half as much again as the average of 20, and one more while the bound is compared before the request counts.
    for (const host of hosts) assert.ok(host.activeRequests <= 31, `${host.activeRequests}`);
    assert.equal(new Set(hosts.map((host) => host.activeRequests)).size > 1, true);
  });
}
