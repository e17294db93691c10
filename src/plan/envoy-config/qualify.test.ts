import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NameScope } from './names.ts';
import { createQualifier } from './qualify.ts';

test('the members of an aggregate cluster are clusters of the configuration, a list of that name elsewhere is not', () => {
  const scope: NameScope = { namespace: 'default', config: 'cec' };
  const qualifier = createQualifier(scope, new Set());
  const typed = (type: string) => ({ '@type': `type.googleapis.com/${type}`, clusters: ['a', 'other/b'] });
  const cluster = qualifier.cluster(
    {
      name: 'top',
      cluster_type: {
        name: 'envoy.clusters.aggregate',
        typed_config: typed('envoy.extensions.clusters.aggregate.v3.ClusterConfig'),
      },
      metadata: typed('some.Other'),
    },
    'spec.resources[0]',
  );
  assert.deepEqual(cluster['cluster_type'], {
    name: 'envoy.clusters.aggregate',
    typed_config: {
      ...typed('envoy.extensions.clusters.aggregate.v3.ClusterConfig'),
      clusters: ['default/cec/a', 'other/b'],
    },
  });
  assert.deepEqual(cluster['metadata'], typed('some.Other'));
  assert.deepEqual(
    qualifier.references.map(({ name, path }) => `${name} at ${path}`),
    [
      'default/cec/a at spec.resources[0].cluster_type.typed_config.clusters[0]',
      'other/b at spec.resources[0].cluster_type.typed_config.clusters[1]',
    ],
  );
});
