import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileLabelFilter, compileNodeLabelFilter } from './label-filter.ts';

/** Labels with `k8s` as their source unless they name one, and whether they count by the filter before. */
const cases: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  '': {
    app: true,
    'app.kubernetes.io/name': true,
    'app.kubernetes.io': true,
    'reserved:host': true,
    'io.kubernetes.pod.namespace': true,
    'io.kubernetes.pod.name': false,
    'io.kubernetes.container.name': false,
    'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': true,
    'io.cilium.k8s.namespace.labels.team': true,
    'io.cilium.k8s.policy.cluster': true,
    'io.cilium.k8s.policy.serviceaccount': true,
    'io.cilium.other': true,
    'kubernetes.io/arch': false,
    'my.kubernetes.io/arch': true,
    'node.kubernetes.io/instance-type': true,
    'beta.kubernetes.io/os': false,
    'failure-domain.beta.kubernetes.io/zone': false,
    'topology.kubernetes.io/zone': false,
    'k8s.io/cluster': false,
    'k8s-app': true,
    'statefulset.kubernetes.io/pod-name': false,
    'apps.kubernetes.io/pod-index': false,
    'batch.kubernetes.io/job-completion-index': false,
    'batch.kubernetes.io/controller-uid': false,
    'batch.kubernetes.io/job-name': true,
    'job-name': true,
    'pod-template-generation': false,
    'pod-template-hash': false,
    'controller-revision-hash': false,
    'controller-uid': false,
    'annotation.sidecar': false,
    annotations: false,
    etcd_node: false,
    'my-pod-template-hash': true,
  },
  // What is included makes the list exclusive, next to what the default list includes.
  'k8s:app k8s:tier': {
    app: true,
    'app.kubernetes.io/name': true,
    application: true,
    tier: true,
    'other:tier': false,
    version: false,
    'io.kubernetes.pod.namespace': true,
    'io.cilium.k8s.policy.cluster': true,
    'reserved:host': true,
    'pod-template-hash': false,
  },
  // What is ignored leaves the rest.
  '!version k8s:!build': { version: false, 'any:version': false, build: false, 'other:build': true, app: true },
  // The longer match wins.
  [String.raw`!foo foo\.bar`]: { 'foo.bar': true, 'foo.baz': false, foo: false, app: false },
  [String.raw`kubernetes\.io/role`]: { 'kubernetes.io/role': true, 'kubernetes.io/arch': false },
  // Expressions match at the start, anywhere else they say nothing.
  [String.raw`.*\.example\.org/.*`]: { 'team.example.org/name': true, 'app.other.org': false },
  '  app\n  tier ': { app: true, tier: true, version: false },
  'a|ab': { a: true, ab: true, b: false },
};

for (const [text, labels] of Object.entries(cases)) {
  test(`labels "${text}"`, () => {
    const filter = compileLabelFilter(text);
    assert.ok(filter.ok);
    const judged = Object.keys(labels).map((label) => {
      const [key = '', source = 'k8s'] = label.split(':').reverse();
      return [label, filter.value(source, key)];
    });
    assert.deepEqual(Object.fromEntries(judged), labels);
  });
}

const nodeCases: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  // There is no list to begin with.
  '': { 'kubernetes.io/hostname': true, 'topology.kubernetes.io/zone': true, role: true },
  '!kubernetes.io': { 'kubernetes.io/hostname': false, role: true },
  'node:role': { role: true, zone: false },
  'k8s:role': { role: false },
};

for (const [text, labels] of Object.entries(nodeCases)) {
  test(`node-labels "${text}"`, () => {
    const filter = compileNodeLabelFilter(text);
    assert.ok(filter.ok);
    const judged = Object.keys(labels).map((key) => [key, filter.value('node', key)]);
    assert.deepEqual(Object.fromEntries(judged), labels);
  });
}

const faulty: readonly (readonly [text: string, error: RegExp])[] = [
  ['k8s:', /"k8s:" has no key/],
  ['app k8s:(', /"k8s:\(": .*missing/],
  ['a(?=b)', /invalid/],
];

for (const [text, error] of faulty) {
  test(`labels "${text}" is refused`, () => {
    const filter = compileLabelFilter(text);
    assert.match(filter.ok ? '' : filter.error, error);
  });
}
