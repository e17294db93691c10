import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { identityKey, identityLabels, proposeIdentity, selectableLabels } from './identity.ts';
import { compileLabelFilter } from './label-filter.ts';

test('identity labels of a pod: its own, namespace, service account, cluster, filtered and sorted', () => {
  const pod = {
    metadata: {
      namespace: 'shop',
      labels: {
        name: 'client',
        'pod-template-hash': 'abc',
        'app.kubernetes.io/name': 'web',
        'io.cilium.k8s.policy.serviceaccount': 'forged',
        'statefulset.kubernetes.io/pod-name': 'x-0',
      },
    },
    spec: { serviceAccountName: 'runner' },
  };
  const namespace = { metadata: { name: 'shop', labels: { 'kubernetes.io/metadata.name': 'shop' } } };
  const counts = compileLabelFilter('');
  assert.ok(counts.ok);
  assert.deepEqual(identityLabels(pod, namespace, { cluster: 'ciliate', counts: counts.value }), [
    'k8s:app.kubernetes.io/name=web',
    'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop',
    'k8s:io.cilium.k8s.policy.cluster=ciliate',
    'k8s:io.cilium.k8s.policy.serviceaccount=runner',
    'k8s:io.kubernetes.pod.namespace=shop',
    'k8s:name=client',
  ]);
});

test('two agents that see the same numbers taken propose the same one, in range and free', () => {
  fc.assert(
    fc.property(fc.string(), fc.uniqueArray(fc.integer({ min: 256, max: 65_535 })), (key, taken) => {
      const number = proposeIdentity(key, new Set(taken));
      assert.equal(number, proposeIdentity(key, new Set([...taken].reverse())));
      assert.ok(number !== undefined && number >= 256 && number <= 65_535 && !taken.includes(number));
    }),
  );
});

test('no number is proposed when all are taken', () => {
  assert.equal(proposeIdentity('k8s:a=b', { has: () => true }), undefined);
});

test('the key of a label set does not depend on the order', () => {
  assert.equal(identityKey(['k8s:b=1', 'k8s:a=2']), 'k8s:a=2;k8s:b=1');
});

test('labels can be selected with their source or any', () => {
  const labels = selectableLabels(['k8s:app=x=y', 'reserved:host']);
  assert.deepEqual({ ...labels }, { 'k8s:app': 'x=y', 'any:app': 'x=y', 'reserved:host': '', 'any:host': '' });
});
