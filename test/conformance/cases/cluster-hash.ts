import { assignment, type ClusterCase, clusterScenario, group, policy } from '../clusters.ts';
import { endpoint } from '../config.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

const five = ['http', 'http', 'http', 'http', 'http'] as const;

/**
 * An endpoint with a `hash_key`, so that the tables do not depend on the address of the run. `health` is a letter as in the cases
 * about balancing.
 */
interface Spec {
  readonly key: string;
  readonly weight?: number;
  readonly health?: string;
}

const specs = (...keys: readonly string[]): readonly Spec[] => keys.map((key) => ({ key }));
const weighted = (...weights: readonly number[]): readonly Spec[] =>
  weights.map((weight, index) => ({ key: `host-${index}`, weight }));

function hosts(places: Places, list: readonly Spec[], from = 0): Json[] {
  return list.map(({ key, weight, health }, index) =>
    endpoint(places, from + index, {
      metadata: { filter_metadata: { 'envoy.lb': { hash_key: key } } },
      ...(weight === undefined ? {} : { load_balancing_weight: weight }),
      ...(health === undefined ? {} : { health_status: health }),
    }),
  );
}

const flat =
  (list: readonly Spec[], more: Json) =>
  (places: Places): Json => ({ ...assignment([group(hosts(places, list))]), ...more });

const byHeader = { hash_policy: [{ header: { header_name: 'x-key' } }] };
const keyed = (count: number): Request[] =>
  Array.from({ length: count }, (_, index) => ({ headers: { 'x-key': `key-${index}` } }));
/** Which backend each key leads to. */
const exact: Partial<Case> = { requests: keyed(24), without: ['log'] };

const ring = (config: Json = {}, more: Json = {}): Json => ({
  lb_policy: 'RING_HASH',
  ring_hash_lb_config: config,
  ...more,
});
const maglev = (size?: number, more: Json = {}): Json => ({
  lb_policy: 'MAGLEV',
  ...(size === undefined ? {} : { maglev_lb_config: { table_size: size } }),
  ...more,
});

const exactCase = (name: string, list: readonly Spec[], more: Json, route: Json = byHeader): ClusterCase => ({
  name,
  cluster: flat(list, more),
  route,
  play: exact,
});

const three = specs('one', 'two', 'three');
const byLocality = { common_lb_config: { locality_weighted_lb_config: {} } };
const balance = (factor: number): Json => ({
  common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: factor } },
});

const localities =
  (more: Json) =>
  (places: Places): Json => ({
    ...assignment([
      group(hosts(places, specs('a')), { locality: { zone: 'a' }, load_balancing_weight: 1 }),
      group(hosts(places, specs('b', 'c'), 1), { locality: { zone: 'b' }, load_balancing_weight: 4 }),
      group(hosts(places, specs('d'), 3), { locality: { zone: 'c' } }),
    ]),
    ...more,
  });

const priorities =
  (more: Json) =>
  (places: Places): Json => ({
    ...assignment([
      group(hosts(places, [{ key: 'a' }, { key: 'b', health: 'UNHEALTHY' }])),
      group(hosts(places, specs('c', 'd'), 2), { priority: 1 }),
    ]),
    ...more,
  });

/** The cases that ring hash and Maglev have in common. */
const common = (what: string, more: Json): readonly ClusterCase[] => [
  exactCase(`${what}: three hosts`, three, more),
  exactCase(`${what}: one host`, specs('only'), more),
  exactCase(`${what}: by weight`, weighted(1, 2, 5), more),
  exactCase(`${what}: by odd weights`, weighted(3, 7, 11, 2, 1), more),
  exactCase(
    `${what}: an unhealthy host`,
    [{ key: 'one' }, { key: 'two', health: 'UNHEALTHY' }, { key: 'three' }],
    more,
  ),
  exactCase(`${what}: a degraded host is in no table`, [{ key: 'one' }, { key: 'two', health: 'DEGRADED' }], more),
  {
    ...exactCase(`${what}: only degraded hosts`, [{ key: 'one', health: 'DEGRADED' }], more),
    play: { requests: keyed(2) },
  },
  exactCase(
    `${what}: panic`,
    [{ key: 'one', health: 'UNHEALTHY' }, { key: 'two', health: 'UNHEALTHY' }, { key: 'three' }],
    more,
  ),
  { name: `${what}: priorities by the hash`, cluster: priorities(more), route: byHeader, play: exact },
  {
    name: `${what}: localities by weight`,
    cluster: localities({ ...more, ...byLocality }),
    route: byHeader,
    play: exact,
  },
  { name: `${what}: localities without weights`, cluster: localities(more), route: byHeader, play: exact },
  exactCase(`${what}: a bound that nobody reaches`, three, { ...more, ...balance(200) }),
  {
    name: `${what}: without a hash policy at random`,
    cluster: flat(three, more),
    play: { tolerance: 0.15, repeat: 8 },
  },
  {
    name: `${what}: without the header at random`,
    cluster: flat(three, more),
    route: byHeader,
    play: { tolerance: 0.15, repeat: 8 },
  },
  {
    name: `${what}: a retry goes to another host`,
    cluster: flat(three, more),
    route: {
      ...byHeader,
      // Else each attempt says how many milliseconds are left.
      timeout: '0s',
      retry_policy: {
        retry_on: '5xx',
        num_retries: 2,
        retry_host_predicate: [
          {
            name: 'envoy.retry_host_predicates.previous_hosts',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
            },
          },
        ],
        host_selection_retry_max_attempts: 30,
      },
    },
    play: {
      requests: keyed(4),
      backends: Object.fromEntries(
        [0, 1, 2].map((index) => [
          index,
          [1, 2, 3, 4, 5, 6].map(() => ({ raw: 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n' })),
        ]),
      ),
      without: ['log'],
    },
  },
];

const key = (values: readonly (Request | string)[]): Partial<Case> => ({ requests: values, without: ['log'] });

export const scenarios: readonly Scenario[] = [
  clusterScenario({ feature: 'consistent hashing', name: 'ring hash', backends: five, stats: [/ring_hash/] }, [
    ...common('ring', ring()),
    exactCase('a small ring', three, ring({ minimum_ring_size: 8 })),
    exactCase('a ring smaller than the number of hosts', three, ring({ minimum_ring_size: 1 })),
    exactCase(
      'a ring that may not be larger than two points',
      three,
      ring({ minimum_ring_size: 1, maximum_ring_size: 2 }),
    ),
    exactCase(
      'a ring of a size that does not divide',
      weighted(3, 7, 11),
      ring({ minimum_ring_size: 10, maximum_ring_size: 17 }),
    ),
    exactCase('MurmurHash2', three, ring({ hash_function: 'MURMUR_HASH_2' })),
    exactCase(
      'MurmurHash2 by weight',
      weighted(2, 3, 4, 5),
      ring({ hash_function: 'MURMUR_HASH_2', minimum_ring_size: 100 }),
    ),
    exactCase('as an extension', weighted(1, 3), {
      load_balancing_policy: policy('ring_hash.v3.RingHash', { minimum_ring_size: 16, hash_function: 'MURMUR_HASH_2' }),
    }),
    exactCase('as an extension with the default hash', three, {
      load_balancing_policy: policy('ring_hash.v3.RingHash'),
    }),
    {
      name: 'sizes of the ring',
      cluster: flat(weighted(3, 7, 11), ring({ minimum_ring_size: 10, maximum_ring_size: 17 })),
      route: byHeader,
      play: { requests: keyed(1), without: ['log'], admin: ['/stats?filter=cluster.c24.ring_hash_lb'] },
    },
  ]),
  clusterScenario({ feature: 'consistent hashing', name: 'Maglev', backends: five }, [
    ...common('Maglev', maglev()),
    exactCase('a small table', specs('a', 'b', 'c', 'd', 'e'), maglev(11)),
    exactCase('a table smaller than the number of hosts', specs('a', 'b', 'c'), maglev(2)),
    exactCase('a small table by weight', weighted(1, 4, 7), maglev(29)),
    exactCase('a table by weights that are far apart', weighted(1, 100), maglev(251)),
    exactCase('as an extension', weighted(2, 3), {
      load_balancing_policy: policy('maglev.v3.Maglev', { table_size: 251 }),
    }),
    exactCase('as an extension with the default size', three, { load_balancing_policy: policy('maglev.v3.Maglev') }),
    {
      name: 'entries by host',
      cluster: flat(weighted(1, 4, 7), maglev(29)),
      route: byHeader,
      play: { requests: keyed(1), without: ['log'], admin: ['/stats?filter=cluster.c21.maglev_lb'] },
    },
  ]),
  clusterScenario({ feature: 'consistent hashing', name: 'hash policies', backends: five }, [
    {
      ...exactCase('an empty header value', three, ring()),
      play: key([{ headers: { 'x-key': '' } }, { headers: { 'x-key': ' ' } }, { headers: { 'x-key': 'a' } }]),
    },
    {
      ...exactCase('repeated headers', three, ring()),
      play: key([
        {
          headers: [
            ['x-key', 'a'],
            ['x-key', 'b'],
          ],
        },
        {
          headers: [
            ['x-key', 'b'],
            ['x-key', 'a'],
          ],
        },
        { headers: [['x-key', 'a,b']] },
      ]),
    },
    {
      ...exactCase('two policies', three, ring(), {
        hash_policy: [{ header: { header_name: 'x-one' } }, { header: { header_name: 'x-two' } }],
      }),
      play: key([
        { headers: { 'x-one': 'a', 'x-two': 'b' } },
        { headers: { 'x-one': 'b', 'x-two': 'a' } },
        { headers: { 'x-one': 'a' } },
        { headers: { 'x-two': 'a' } },
      ]),
    },
    {
      ...exactCase('a terminal policy', three, ring(), {
        hash_policy: [{ header: { header_name: 'x-one' }, terminal: true }, { header: { header_name: 'x-two' } }],
      }),
      play: key([
        { headers: { 'x-one': 'a', 'x-two': 'b' } },
        { headers: { 'x-one': 'a', 'x-two': 'c' } },
        { headers: { 'x-two': 'b' } },
      ]),
    },
    {
      ...exactCase('a query parameter', three, maglev(), { hash_policy: [{ query_parameter: { name: 'q' } }] }),
      play: key(['a', 'b', 'c', 'd', 'e', ''].map((value) => ({ path: `/?q=${value}` }))),
    },
    {
      ...exactCase('a cookie', three, maglev(), { hash_policy: [{ cookie: { name: 'session' } }] }),
      play: key(['a', 'b', 'c', 'd', 'e'].map((value) => ({ headers: { cookie: `x=1; session=${value}` } }))),
    },
    {
      ...exactCase('part of a header', three, maglev(), {
        hash_policy: [
          {
            header: {
              header_name: 'x-key',
              regex_rewrite: { pattern: { google_re2: {}, regex: '^([^-]*)-.*$' }, substitution: '\\1' },
            },
          },
        ],
      }),
      play: key(['a-1', 'a-2', 'b-1', 'c', 'd-x-y'].map((value) => ({ headers: { 'x-key': value } }))),
    },
    {
      ...exactCase('long values', three, ring()),
      play: key([31, 32, 33, 64, 100, 1000].map((length) => ({ headers: { 'x-key': 'x'.repeat(length) } }))),
    },
    {
      ...exactCase('a hash policy with a policy that needs none', specs('only'), {}),
      play: key([{ headers: { 'x-key': 'a' } }]),
    },
  ]),
];
