import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from './agent-config.ts';
import { desiredIdentities } from './endpoints.ts';
import { client, walkthroughWorld } from './test-support/walkthrough.ts';

function read(data: Readonly<Record<string, string>>) {
  const faults: string[] = [];
  const config = configOf({ data }, ({ key, allowed }) => faults.push(`${key}: ${allowed.join('|')}`));
  return { config, faults };
}

test('without settings the defaults hold', () => {
  const faults: unknown[] = [];
  assert.deepEqual(
    configOf(undefined, (fault) => faults.push(fault)),
    read({}).config,
  );
  assert.deepEqual(faults, []);
});

const faulty: readonly (readonly [data: Readonly<Record<string, string>>, fault: RegExp])[] = [
  [{ 'enable-policy': 'sometimes' }, /^enable-policy: default\|always\|never$/],
  [{ 'routing-mode': 'pigeons' }, /^routing-mode: tunnel\|native$/],
  [{ labels: 'k8s:app k8s:(' }, /^labels: expressions \(RE2\).*"k8s:\("/],
  [{ 'node-labels': '(' }, /^node-labels: expressions \(RE2\).*"\("/],
];

for (const [data, fault] of faulty) {
  test(`${JSON.stringify(data)} keeps the default and is told`, () => {
    const { config, faults } = read(data);
    assert.deepEqual(config, read({}).config);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', fault);
  });
}

test('the setting labels decides what makes an identity', () => {
  const { config } = read({ labels: 'k8s:kind' });
  const world = { ...walkthroughWorld(), config, identities: new Map<string, number>() };
  const own = desiredIdentities(world).find(({ labels }) => labels.includes(`k8s:kind=${client.labels['kind']}`));
  assert.deepEqual(own?.labels, [
    'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=cilium-test',
    'k8s:io.cilium.k8s.policy.cluster=ciliate',
    'k8s:io.cilium.k8s.policy.serviceaccount=default',
    'k8s:io.kubernetes.pod.namespace=cilium-test',
    'k8s:kind=client',
  ]);
});
