import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, ok } from '../base/index.ts';
import type { DatapathPlan, NodePlan, XdsResources } from '../plan/index.ts';
import { type Applied, type ApplyEdges, applyPlan, type PublishOutcome } from './apply.ts';

const accepted: PublishOutcome = { state: 'accepted', rejections: [] };

function planWith(listeners: readonly string[], redirects: readonly string[] = []): NodePlan {
  const empty = new Map();
  return {
    xds: {
      listeners: new Map(listeners.map((name) => [name, { name }])),
      routes: empty,
      clusters: empty,
      endpoints: empty,
      secrets: empty,
      extensionConfigs: empty,
    },
    datapath: {
      serviceRedirects: redirects.map((address) => ({ address, port: 80, proxyPort: 10000, listener: 'l' })),
    } as unknown as DatapathPlan,
    dns: { proxyPort: 0, rules: [] },
    reports: [],
    conflicts: [],
    proxyPorts: new Map(),
    rules: new Map(),
    isolatedBy: new Map(),
    identities: new Map(),
    lastGood: new Map(),
    envoyConfigResources: new Map(),
  };
}

function recorder(outcome: PublishOutcome = accepted) {
  const steps: string[] = [];
  const edges: ApplyEdges = {
    publish: async (resources: XdsResources) => {
      steps.push(`publish ${[...resources.listeners.keys()].join(',')}`);
      return outcome;
    },
    applyDatapath: async (plan) => {
      steps.push(`kernel ${plan.serviceRedirects.map(({ address }) => address).join(',')}`);
      return ok(undefined);
    },
  };
  return { steps, edges };
}

test('a new listener is accepted before the kernel leads to it', async () => {
  const { steps, edges } = recorder();
  await applyPlan(planWith(['a'], ['10.96.0.9']), undefined, edges);
  assert.deepEqual(steps, ['publish a', 'kernel 10.96.0.9']);
});

test('a removed listener outlives its redirect', async () => {
  const first = await applyPlan(planWith(['a', 'b'], ['10.96.0.9']), undefined, recorder().edges);
  const { steps, edges } = recorder();
  const second = await applyPlan(planWith(['a']), first, edges);
  assert.deepEqual(steps, ['publish a,b', 'kernel ', 'publish a']);
  assert.deepEqual([...second.xds.listeners.keys()], ['a']);
});

for (const state of ['rejected', 'pending', 'timeout'] as const) {
  test(`a data plane that answers ${state} takes no frontend over and keeps those it had`, async () => {
    const before: Applied = await applyPlan(planWith(['a'], ['10.96.0.1']), undefined, recorder().edges);
    const { steps, edges } = recorder({ state, rejections: [] });
    await applyPlan(planWith(['a', 'b'], ['10.96.0.1', '10.96.0.2']), before, edges);
    assert.deepEqual(steps, ['publish a,b', 'kernel 10.96.0.1']);
  });
}

test('a kernel that refuses is an error that names what it said', async () => {
  const { edges } = recorder();
  const refusing: ApplyEdges = {
    ...edges,
    applyDatapath: async () => fail([{ path: 'map services', message: 'no space' }]),
  };
  await assert.rejects(applyPlan(planWith([]), undefined, refusing), /map services: no space/);
});
