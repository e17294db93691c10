import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Facts } from '../../policy-model/facts.ts';
import type { Asked } from './cluster.ts';
import { createVersions, now } from './versions.ts';

const pod = (name: string, podIP: string) => ({
  metadata: { name, namespace: 'soak', labels: { name } },
  status: { podIP },
});
const facts = {
  cluster: 'c',
  mode: 'default',
  everyRuleIsolates: false,
  allowLocalhost: true,
  pods: [pod('c', '10.0.0.1'), pod('b', '10.0.0.2')],
  namespaces: [],
  services: [],
  endpointSlices: [],
  cidrGroups: [],
  nodes: [],
  apiServerAddresses: [],
  nodeLabels: false,
  hostFirewall: false,
  audit: false,
  listeners: new Set(),
  learntNames: new Map(),
} as unknown as Facts;
const open = {
  kind: 'CiliumNetworkPolicy',
  metadata: { namespace: 'soak' },
  spec: { endpointSelector: {}, egress: [{ toEntities: ['all'] }] },
};
const closed = { ...open, spec: { endpointSelector: {}, egress: [{}] } };

test('a version counts from when it was sent until the node has the next one', async () => {
  const versions = createVersions(facts, [['p', open]], [1]);
  const at = (from: number, to = from): readonly boolean[] => {
    const asked: Asked = {
      client: '10.0.0.1',
      backend: '10.0.0.2',
      port: 8080,
      method: 'GET',
      path: '/',
      from,
      to,
      outcome: '',
    };
    return versions.decisions(1, asked, 'egress').map(({ passes }) => passes);
  };
  const first = now();
  await sleep(2);
  const sent = versions.add('p', closed);
  await sleep(2);
  const between = now();
  sent('7');
  assert.equal(versions.isSettled(first), false);
  await sleep(2);
  versions.confirm(1, '7');
  await sleep(2);
  assert.deepEqual([at(first), at(between), at(now())], [[true], [true, false], [false]]);
  assert.equal(versions.isSettled(first), true);
  // The same policy again gets the same resource version; until it is sent the one before counts.
  await sleep(2);
  const gap = now();
  await sleep(2);
  versions.add('p', closed)('7');
  assert.deepEqual(at(gap), [false]);
  versions.forget(now());
  assert.deepEqual(at(now()), [false]);
});
