import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ciliumResourceDefinitions } from './index.ts';

/** What `kubectl get` and `kubectl api-resources` show of the kinds of policy, as Cilium's own definitions have it. */
const expected: Readonly<Record<string, object>> = {
  'ciliumnetworkpolicies.cilium.io': {
    scope: 'Namespaced',
    shortNames: ['cnp', 'ciliumnp'],
    categories: ['cilium', 'ciliumpolicy'],
    versions: ['v2'],
    columns: ['Age .metadata.creationTimestamp', "Valid .status.conditions[?(@.type=='Valid')].status"],
  },
  'ciliumclusterwidenetworkpolicies.cilium.io': {
    scope: 'Cluster',
    shortNames: ['ccnp'],
    categories: ['cilium', 'ciliumpolicy'],
    versions: ['v2'],
    columns: ['Age .metadata.creationTimestamp', "Valid .status.conditions[?(@.type=='Valid')].status"],
  },
  'ciliumcidrgroups.cilium.io': {
    scope: 'Cluster',
    shortNames: ['ccg'],
    categories: ['cilium'],
    versions: ['v2', 'v2alpha1'],
    columns: ['Age .metadata.creationTimestamp'],
  },
};

for (const { metadata, spec } of ciliumResourceDefinitions) {
  const wanted = expected[metadata.name];
  if (!wanted) continue;
  test(`${metadata.name}: names, versions and columns`, () => {
    const { scope, names, versions } = spec;
    const columns = (versions[0]?.additionalPrinterColumns ?? []).map(({ name, jsonPath }) => `${name} ${jsonPath}`);
    const found = { scope, shortNames: names.shortNames, categories: names.categories };
    assert.deepEqual({ ...found, versions: versions.map(({ name }) => name), columns }, wanted);
  });
}

test('every kind of policy is there', () => {
  const names = new Set(ciliumResourceDefinitions.map(({ metadata }) => metadata.name));
  assert.deepEqual(
    Object.keys(expected).filter((name) => !names.has(name)),
    [],
  );
});
