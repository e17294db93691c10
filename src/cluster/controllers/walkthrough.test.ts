import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../store.ts';
import type { Deployment, EndpointSlice, Pod } from './kinds.ts';
import { conditionOf, testCluster } from './test-support.ts';

const manifest = '/work/shared/data/walkthrough/rendered-seed-era-workloads.yaml';
const skip = existsSync(manifest) ? false : `${manifest} is absent`;

const resources: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Service: 'services',
  Deployment: 'deployments.apps',
};

function objects(): KubernetesObject[] {
  return parseAllDocuments(readFileSync(manifest, 'utf8')).map((document) => document.toJS() as KubernetesObject);
}

for (const { name, order, oneByOne } of [
  { name: 'in the order of the file', order: (all: KubernetesObject[]) => all, oneByOne: false },
  { name: 'backwards', order: (all: KubernetesObject[]) => all.reverse(), oneByOne: false },
  { name: 'one after the other', order: (all: KubernetesObject[]) => all, oneByOne: true },
]) {
  test(`the workloads of the walk-through come to lie as asked: ${name}`, { skip }, () => {
    const cluster = testCluster();
    for (const object of order(objects())) {
      cluster.store.create(resources[object.kind] ?? '', object);
      if (oneByOne) cluster.run();
    }
    cluster.run();
    const nodeOf = (label: string): string | undefined => {
      const pods = cluster.store.list<Pod>('pods', 'cilium-test');
      return pods.find(({ metadata }) => metadata.labels?.['name'] === label)?.spec.nodeName;
    };
    assert.ok(nodeOf('client'));
    assert.deepEqual([nodeOf('client2'), nodeOf('echo-same-node')], [nodeOf('client'), nodeOf('client')]);
    assert.ok(nodeOf('echo-other-node'));
    assert.notEqual(nodeOf('echo-other-node'), nodeOf('client'));
    for (const deployment of cluster.store.list<Deployment>('deployments.apps', 'cilium-test')) {
      assert.equal(conditionOf(deployment, 'Available'), 'True MinimumReplicasAvailable');
    }
    const slices = cluster.store.list<EndpointSlice>('endpointslices.discovery.k8s.io', 'cilium-test');
    assert.deepEqual(
      slices.map(({ endpoints, ports }) => [endpoints.length, ports[0]?.port]),
      [
        [1, 8080],
        [1, 8080],
      ],
    );
  });
}
