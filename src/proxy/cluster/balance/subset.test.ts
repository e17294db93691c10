import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../config/fields.ts';
import type { MetadataCriterion } from '../context.ts';
import { HEALTH, type Host } from '../host.ts';
import { createBalancer } from './create.ts';
import { PLAIN_LOCALITY, type SubsetPolicy, type SubsetSelector } from './policy.ts';
import { environment, makeHosts, makeSet, plainContext } from './testing.ts';

const PLAIN: SubsetPolicy = {
  kind: 'subset',
  selectors: [],
  fallback: 'NO_FALLBACK',
  defaultSubset: {},
  localityWeights: 'none',
  panicModeAny: false,
  listAsAny: false,
  fallbackList: false,
  allowRedundantKeys: false,
  inner: { kind: 'round_robin', slowStart: undefined, locality: PLAIN_LOCALITY },
};

const by = (...keys: readonly string[]): SubsetSelector => ({
  keys,
  singleHost: false,
  fallback: 'NOT_DEFINED',
  fallbackKeys: [],
});

const labelled = (labels: readonly (JsonObject | undefined)[]): readonly Host[] =>
  makeHosts(labels.map((lb) => (lb ? { metadata: { 'envoy.lb': lb } } : {})));

function criteria(labels: JsonObject): readonly MetadataCriterion[] {
  return Object.keys(labels)
    .sort()
    .map((name) => ({ name, value: labels[name] ?? null }));
}

const HOSTS: readonly (JsonObject | undefined)[] = [
  { stage: 'prod', version: '1' },
  { stage: 'prod', version: '2' },
  { stage: 'dev', version: '2' },
  { stage: 'dev' },
  undefined,
  { stage: 'prod', version: 2, list: ['a', 'b'] },
];

const cases: readonly (readonly [string, Partial<SubsetPolicy>, JsonObject | undefined, readonly number[]])[] = [
  ['a key', { selectors: [by('stage')] }, { stage: 'prod' }, [1, 2, 6]],
  ['two keys', { selectors: [by('stage', 'version')] }, { stage: 'prod', version: '2' }, [2]],
  ['a number is not a text', { selectors: [by('stage', 'version')] }, { stage: 'prod', version: 2 }, [6]],
  ['several selectors', { selectors: [by('stage'), by('version')] }, { version: '2' }, [2, 3]],
  ['no selector for these keys', { selectors: [by('stage', 'version')] }, { stage: 'prod' }, []],
  ['no host with this value', { selectors: [by('stage')] }, { stage: 'test' }, []],
  ['more keys than a selector has', { selectors: [by('stage')] }, { stage: 'prod', version: '1' }, []],
  ['no criteria', { selectors: [by('stage')] }, undefined, []],
  [
    'any endpoint instead',
    { selectors: [by('stage')], fallback: 'ANY_ENDPOINT' },
    { stage: 'test' },
    [1, 2, 3, 4, 5, 6],
  ],
  [
    'any endpoint without criteria',
    { selectors: [by('stage')], fallback: 'ANY_ENDPOINT' },
    undefined,
    [1, 2, 3, 4, 5, 6],
  ],
  [
    'the default subset instead',
    { selectors: [by('stage')], fallback: 'DEFAULT_SUBSET', defaultSubset: { stage: 'dev' } },
    { stage: 'test' },
    [3, 4],
  ],
  [
    'an empty default subset instead',
    { selectors: [by('stage')], fallback: 'DEFAULT_SUBSET', defaultSubset: { stage: 'none' } },
    { stage: 'test' },
    [],
  ],
  [
    'any endpoint when the default subset is empty',
    { selectors: [by('stage')], fallback: 'DEFAULT_SUBSET', defaultSubset: { stage: 'none' }, panicModeAny: true },
    { stage: 'test' },
    [1, 2, 3, 4, 5, 6],
  ],
  [
    'panic_mode_any without a fallback does nothing',
    { selectors: [by('stage')], panicModeAny: true },
    { stage: 'test' },
    [],
  ],
  [
    "the selector's own fallback",
    { selectors: [{ ...by('stage'), fallback: 'ANY_ENDPOINT' }] },
    { stage: 'test' },
    [1, 2, 3, 4, 5, 6],
  ],
  [
    "the selector's own refusal",
    { selectors: [{ ...by('stage'), fallback: 'NO_FALLBACK' }], fallback: 'ANY_ENDPOINT' },
    { stage: 'test' },
    [],
  ],
  [
    "the selector's default subset",
    { selectors: [{ ...by('stage'), fallback: 'DEFAULT_SUBSET' }], defaultSubset: { stage: 'dev' } },
    { stage: 'test' },
    [3, 4],
  ],
  [
    'fewer keys instead',
    { selectors: [by('stage'), { ...by('stage', 'version'), fallback: 'KEYS_SUBSET', fallbackKeys: ['stage'] }] },
    { stage: 'dev', version: '9' },
    [3, 4],
  ],
  [
    'a selector that begins another one before it has no fallback of its own',
    { selectors: [by('stage', 'version'), { ...by('stage'), fallback: 'ANY_ENDPOINT' }] },
    { stage: 'test' },
    [],
  ],
  ['redundant keys', { selectors: [by('stage')], allowRedundantKeys: true }, { stage: 'dev', version: '1' }, [3, 4]],
  ['one host for each value', { selectors: [{ ...by('stage'), singleHost: true }] }, { stage: 'prod' }, [1]],
  ['a list is a value of its own', { selectors: [by('list')] }, { list: ['a', 'b'] }, [6]],
  ['an item of a list is none', { selectors: [by('list')] }, { list: 'a' }, []],
  ['unless lists stand for any of their items', { selectors: [by('list')], listAsAny: true }, { list: 'b' }, [6]],
  [
    'lists in the default subset',
    { selectors: [by('stage')], listAsAny: true, fallback: 'DEFAULT_SUBSET', defaultSubset: { list: 'a' } },
    { stage: 'test' },
    [6],
  ],
  [
    'the first of a fallback list that leads to a host',
    { selectors: [by('stage')], fallbackList: true },
    { fallback_list: [{ stage: 'none' }, { stage: 'dev' }, { stage: 'prod' }] },
    [3, 4],
  ],
  [
    'a fallback list is merged with the other criteria',
    { selectors: [by('stage', 'version')], fallbackList: true },
    { fallback_list: [{ version: '7' }, { version: '1' }], stage: 'prod' },
    [1],
  ],
  [
    'a fallback list is a criterion like any other unless asked for',
    { selectors: [by('stage')], fallback: 'ANY_ENDPOINT' },
    { fallback_list: [{ stage: 'dev' }] },
    [1, 2, 3, 4, 5, 6],
  ],
];

for (const [what, policy, labels, wanted] of cases) {
  test(`subsets: ${what}`, () => {
    const balancer = createBalancer({ ...PLAIN, ...policy }, environment());
    balancer.update([makeSet(labelled(HOSTS))]);
    const context = Object.assign(Object.create(plainContext), { metadataMatch: labels && criteria(labels) });
    const found = new Set(Array.from({ length: 40 }, () => balancer.choose(context)?.name.slice(7, -3) ?? ''));
    found.delete('');
    assert.deepEqual(
      [...found].map(Number).sort((left, right) => left - right),
      wanted,
    );
  });
}

test('subsets come and go with their hosts', () => {
  const surroundings = environment();
  const { stats } = surroundings;
  const balancer = createBalancer({ ...PLAIN, selectors: [by('stage')] }, surroundings);
  const context = (stage: string) => Object.assign(Object.create(plainContext), { metadataMatch: criteria({ stage }) });
  const prod = context('prod');
  const hosts = labelled([{ stage: 'prod' }, { stage: 'dev' }]);
  balancer.update([makeSet(hosts)]);
  assert.equal(balancer.choose(prod), hosts[0]);
  assert.deepEqual(
    [stats.subsetsActive, stats.subsetsCreated, stats.subsetsRemoved, stats.subsetsSelected],
    [2, 2, 0, 1],
  );
  balancer.update([makeSet(hosts.slice(1))]);
  assert.equal(balancer.choose(prod), undefined, 'also with criteria that were used before');
  assert.deepEqual([stats.subsetsActive, stats.subsetsCreated, stats.subsetsRemoved], [1, 2, 1]);
  const [changed] = hosts;
  if (changed) changed.metadata = { 'envoy.lb': { stage: 'test' } };
  balancer.update([makeSet(hosts)]);
  assert.equal(balancer.choose(context('test')), changed);
  assert.equal(balancer.choose(context('dev')), hosts[1]);
});

test('a subset has its own panic', () => {
  const surroundings = environment();
  const balancer = createBalancer({ ...PLAIN, selectors: [by('stage')] }, surroundings);
  const down = { health: HEALTH.FAILED_EDS_HEALTH };
  const of = (stage: string) => ({ metadata: { 'envoy.lb': { stage } } });
  const hosts = makeHosts([{ ...of('a'), ...down }, of('b'), of('b'), of('b')]);
  balancer.update([makeSet(hosts)]);
  const context = Object.assign(Object.create(plainContext), { metadataMatch: criteria({ stage: 'a' }) });
  assert.equal(balancer.choose(context), hosts[0]);
  assert.equal(surroundings.stats.healthyPanic, 1);
});
