import { assignment, type ClusterCase, clusterScenario, group, policy } from '../clusters.ts';
import { endpoint } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const six = ['http', 'http', 'http', 'http', 'http', 'http'] as const;

interface Labelled {
  readonly labels?: Json;
  readonly health?: string;
}

const HOSTS: readonly Labelled[] = [
  { labels: { stage: 'prod', version: '1' } },
  { labels: { stage: 'prod', version: '2' } },
  { labels: { stage: 'dev', version: '2' } },
  { labels: { stage: 'dev' } },
  {},
  { labels: { stage: 'prod', version: 2, list: ['a', 'b'] } },
];

const hosts = (places: Places, list: readonly Labelled[], from = 0): Json[] =>
  list.map(({ labels, health }, index) =>
    endpoint(places, from + index, {
      ...(labels ? { metadata: { filter_metadata: { 'envoy.lb': labels } } } : {}),
      ...(health === undefined ? {} : { health_status: health }),
    }),
  );

const match = (labels: Json): Json => ({ metadata_match: { filter_metadata: { 'envoy.lb': labels } } });
const by = (...keys: readonly string[]): Json => ({ keys });

interface Options {
  readonly hosts?: readonly Labelled[];
  readonly more?: Json;
  readonly play?: Partial<Case>;
}

/** One cluster with subsets, asked for one set of labels. */
function subsets(name: string, config: Json, labels: Json | undefined, options: Options = {}): ClusterCase {
  return {
    name,
    cluster: (places) => ({
      ...assignment([group(hosts(places, options.hosts ?? HOSTS))]),
      lb_subset_config: config,
      ...options.more,
    }),
    route: labels ? match(labels) : {},
    play: options.play ?? {},
  };
}

/** No host: one request says so. */
const refused = { play: { requests: [{}] } };
const stage = [by('stage')];

const zoned =
  (config: Json) =>
  (places: Places): Json => ({
    ...assignment([
      group(hosts(places, [{ labels: { a: '1' } }, { labels: { a: '2' } }]), {
        locality: { zone: 'x' },
        load_balancing_weight: 1,
      }),
      group(hosts(places, [{ labels: { a: '1' } }, { labels: { a: '1' } }], 2), {
        locality: { zone: 'y' },
        load_balancing_weight: 1,
      }),
    ]),
    common_lb_config: { locality_weighted_lb_config: {} },
    lb_subset_config: { subset_selectors: [by('a')], ...config },
  });

export const scenarios: readonly Scenario[] = [
  clusterScenario({ feature: 'subsets', name: 'selectors', backends: six }, [
    subsets('a key', { subset_selectors: stage }, { stage: 'prod' }),
    subsets('another value', { subset_selectors: stage }, { stage: 'dev' }),
    subsets('two keys', { subset_selectors: [by('stage', 'version')] }, { stage: 'prod', version: '2' }),
    subsets('a number', { subset_selectors: [by('stage', 'version')] }, { stage: 'prod', version: 2 }),
    subsets('the second selector', { subset_selectors: [by('stage'), by('version')] }, { version: '2' }),
    subsets('keys in another order', { subset_selectors: [by('version', 'stage')] }, { version: '2', stage: 'dev' }),
    subsets('keys without a selector', { subset_selectors: [by('stage', 'version')] }, { stage: 'prod' }, refused),
    subsets('a value without a host', { subset_selectors: stage }, { stage: 'test' }, refused),
    subsets('too many keys', { subset_selectors: stage }, { stage: 'prod', version: '1' }, refused),
    subsets('no criteria', { subset_selectors: stage }, undefined, refused),
    subsets('a list as a value', { subset_selectors: [by('list')] }, { list: ['a', 'b'] }),
    subsets('an item of a list', { subset_selectors: [by('list')] }, { list: 'a' }, refused),
    subsets(
      'an item of a list that stands for any',
      { subset_selectors: [by('list')], list_as_any: true },
      { list: 'b' },
    ),
    subsets(
      'the list itself where it stands for any',
      { subset_selectors: [by('list')], list_as_any: true },
      { list: ['a', 'b'] },
      refused,
    ),
    subsets(
      'one host for each value',
      { subset_selectors: [{ keys: ['stage'], single_host_per_subset: true }] },
      { stage: 'prod' },
    ),
    subsets(
      'one host for each value, unhealthy',
      { subset_selectors: [{ keys: ['stage'], single_host_per_subset: true }] },
      { stage: 'a' },
      {
        hosts: [{ labels: { stage: 'a' }, health: 'UNHEALTHY' }, { labels: { stage: 'b' } }],
      },
    ),
    subsets('no selectors at all', { subset_selectors: [] }, { stage: 'prod' }),
    subsets(
      'random within a subset',
      { subset_selectors: stage },
      { stage: 'dev' },
      { more: { lb_policy: 'RANDOM' }, play: { tolerance: 0.15, repeat: 8 } },
    ),
    subsets(
      'an unhealthy host in a subset',
      { subset_selectors: stage },
      { stage: 'a' },
      {
        hosts: [
          { labels: { stage: 'a' } },
          { labels: { stage: 'a' }, health: 'UNHEALTHY' },
          { labels: { stage: 'b' } },
        ],
      },
    ),
    subsets(
      'panic of a subset',
      { subset_selectors: stage },
      { stage: 'a' },
      {
        hosts: [
          { labels: { stage: 'a' }, health: 'UNHEALTHY' },
          { labels: { stage: 'b' } },
          { labels: { stage: 'b' } },
        ],
      },
    ),
    subsets(
      'an empty subset without panic',
      { subset_selectors: stage },
      { stage: 'a' },
      {
        hosts: [{ labels: { stage: 'a' }, health: 'UNHEALTHY' }, { labels: { stage: 'b' } }],
        more: { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
        ...refused,
      },
    ),
  ]),
  clusterScenario({ feature: 'subsets', name: 'fallbacks', backends: six, stats: [/lb_subsets/] }, [
    subsets('any endpoint', { subset_selectors: stage, fallback_policy: 'ANY_ENDPOINT' }, { stage: 'test' }),
    subsets('any endpoint without criteria', { subset_selectors: stage, fallback_policy: 'ANY_ENDPOINT' }, undefined),
    subsets(
      'the default subset',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'dev' } },
      { stage: 'test' },
    ),
    subsets(
      'the default subset without criteria',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'dev' } },
      undefined,
    ),
    subsets(
      'a default subset without labels',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET' },
      { stage: 'test' },
    ),
    subsets(
      'a default subset without hosts',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'none' } },
      { stage: 'test' },
      refused,
    ),
    subsets(
      'any endpoint when the default subset is empty',
      {
        subset_selectors: stage,
        fallback_policy: 'DEFAULT_SUBSET',
        default_subset: { stage: 'none' },
        panic_mode_any: true,
      },
      { stage: 'test' },
    ),
    subsets(
      'panic_mode_any without a fallback',
      { subset_selectors: stage, panic_mode_any: true },
      { stage: 'test' },
      refused,
    ),
    subsets(
      'a list in the default subset',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET', default_subset: { list: 'a' }, list_as_any: true },
      { stage: 'test' },
    ),
    subsets(
      'a list in the default subset that is taken as it is',
      { subset_selectors: stage, fallback_policy: 'DEFAULT_SUBSET', default_subset: { list: 'a' } },
      { stage: 'test' },
      refused,
    ),
    subsets(
      "a selector's any endpoint",
      { subset_selectors: [{ keys: ['stage'], fallback_policy: 'ANY_ENDPOINT' }] },
      { stage: 'test' },
    ),
    subsets(
      "a selector's refusal",
      { subset_selectors: [{ keys: ['stage'], fallback_policy: 'NO_FALLBACK' }], fallback_policy: 'ANY_ENDPOINT' },
      { stage: 'test' },
      refused,
    ),
    subsets(
      "a selector's default subset",
      { subset_selectors: [{ keys: ['stage'], fallback_policy: 'DEFAULT_SUBSET' }], default_subset: { stage: 'dev' } },
      { stage: 'test' },
    ),
    subsets(
      'fewer keys',
      {
        subset_selectors: [
          by('stage'),
          { keys: ['stage', 'version'], fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['stage'] },
        ],
      },
      { stage: 'dev', version: '9' },
    ),
    subsets(
      'fewer keys twice',
      {
        subset_selectors: [
          { keys: ['stage'], fallback_policy: 'ANY_ENDPOINT' },
          { keys: ['stage', 'version'], fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['stage'] },
        ],
      },
      { stage: 'none', version: '9' },
    ),
    subsets(
      'a selector that begins one before it',
      { subset_selectors: [by('stage', 'version'), { keys: ['stage'], fallback_policy: 'ANY_ENDPOINT' }] },
      { stage: 'test' },
      refused,
    ),
    subsets(
      "a selector's fallback is not for other keys",
      { subset_selectors: [{ keys: ['stage'], fallback_policy: 'ANY_ENDPOINT' }] },
      { version: '9' },
      refused,
    ),
    subsets(
      'a fallback list',
      { subset_selectors: stage, metadata_fallback_policy: 'FALLBACK_LIST' },
      { fallback_list: [{ stage: 'none' }, { stage: 'dev' }] },
    ),
    subsets(
      'a fallback list beside other criteria',
      { subset_selectors: [by('stage', 'version')], metadata_fallback_policy: 'FALLBACK_LIST' },
      { fallback_list: [{ version: '7' }, { version: '1' }], stage: 'prod' },
    ),
    subsets(
      'a fallback list that leads nowhere',
      { subset_selectors: stage, metadata_fallback_policy: 'FALLBACK_LIST' },
      { fallback_list: [{ stage: 'x' }, { stage: 'y' }] },
      refused,
    ),
    subsets(
      'an empty fallback list',
      { subset_selectors: stage, metadata_fallback_policy: 'FALLBACK_LIST' },
      { fallback_list: [], stage: 'dev' },
    ),
    subsets(
      'a fallback list nobody asked for',
      { subset_selectors: stage, fallback_policy: 'ANY_ENDPOINT' },
      { fallback_list: [{ stage: 'dev' }] },
    ),
    { name: 'localities regardless of weights', cluster: zoned({}), route: match({ a: '1' }) },
    { name: 'localities by weight', cluster: zoned({ locality_weight_aware: true }), route: match({ a: '1' }) },
    {
      name: 'localities by weight scaled to the hosts of the subset',
      cluster: zoned({ locality_weight_aware: true, scale_locality_weight: true }),
      route: match({ a: '1' }),
    },
    {
      name: 'an extension with redundant keys',
      cluster: (places) => ({
        ...assignment([group(hosts(places, HOSTS))]),
        load_balancing_policy: policy('subset.v3.Subset', {
          subset_selectors: stage,
          allow_redundant_keys: true,
          subset_lb_policy: policy('round_robin.v3.RoundRobin'),
        }),
      }),
      route: match({ stage: 'dev', version: '1' }),
    },
    {
      name: 'an extension without redundant keys',
      cluster: (places) => ({
        ...assignment([group(hosts(places, HOSTS))]),
        load_balancing_policy: policy('subset.v3.Subset', {
          subset_selectors: stage,
          fallback_policy: 'ANY_ENDPOINT',
          subset_lb_policy: policy('round_robin.v3.RoundRobin'),
        }),
      }),
      route: match({ stage: 'dev', version: '1' }),
    },
    {
      name: 'Maglev within a subset',
      cluster: (places) => ({
        ...assignment([
          group(
            hosts(
              places,
              HOSTS.map(({ labels }, index) => ({ labels: { ...labels, hash_key: `k${index}` } })),
            ),
          ),
        ]),
        lb_policy: 'MAGLEV',
        lb_subset_config: { subset_selectors: stage },
      }),
      route: { ...match({ stage: 'prod' }), hash_policy: [{ header: { header_name: 'x-key' } }] },
      play: {
        requests: Array.from({ length: 12 }, (_, index) => ({ headers: { 'x-key': `key-${index}` } })),
        without: ['log'],
      },
    },
    {
      name: 'weighted clusters narrow it down further',
      cluster: (places) => ({
        ...assignment([group(hosts(places, HOSTS))]),
        lb_subset_config: { subset_selectors: [by('stage', 'version')] },
      }),
      route: match({ stage: 'prod', version: '1' }),
    },
  ]),
];
