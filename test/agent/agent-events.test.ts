import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentEvents, type InForce } from '../../src/agent/agent-events.ts';
import { AgentEventType } from '../../src/model/flow/index.ts';
import { createPlanner, type World } from '../../src/plan/index.ts';
import { walkthroughWorld } from '../../src/plan/test-support/walkthrough.ts';

const policy = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'p', namespace: 'cilium-test', uid: 'u', generation: 1 },
  spec: { endpointSelector: { matchLabels: { name: 'client' } }, egress: [{ toEndpoints: [{}] }] },
};
const lookups = { endpointId: (address: string) => Number(address.split('.').at(-1)), policyRevision: 7 };

/** The events of going through the worlds, without those of the first. */
function eventsOf(...worlds: readonly World[]) {
  const plan = createPlanner();
  const states = worlds.map((world): InForce => ({ plan: plan(world), policies: world.policies }));
  return states.slice(1).flatMap((state, at) => agentEvents(states[at], state, lookups));
}

const base = walkthroughWorld();
const withPolicy = { ...base, policies: [policy] };
const changed = { ...policy, metadata: { ...policy.metadata, generation: 2 }, spec: { ...policy.spec, egress: [{}] } };
const withoutClient = { ...base, pods: base.pods.filter(({ metadata }) => metadata?.name !== 'client') };

test('a policy that comes, changes and goes is told with what it regenerates', () => {
  const labels = [
    'k8s:io.cilium.k8s.policy.derived-from=CiliumNetworkPolicy',
    'k8s:io.cilium.k8s.policy.name=p',
    'k8s:io.cilium.k8s.policy.namespace=cilium-test',
    'k8s:io.cilium.k8s.policy.uid=u',
  ];
  const events = eventsOf(base, withPolicy, { ...base, policies: [changed] }, base);
  const told = events.filter(({ policy_update: update }) => update);
  assert.deepEqual(
    told.map(({ type }) => type),
    [AgentEventType.POLICY_UPDATED, AgentEventType.POLICY_UPDATED, AgentEventType.POLICY_DELETED],
  );
  assert.deepEqual(told[0]?.policy_update, { labels, revision: 7, rule_count: 1 });
  const regenerated = events.filter(({ type }) => type === AgentEventType.ENDPOINT_REGENERATE_SUCCESS);
  assert.deepEqual(
    regenerated.map(({ endpoint_regenerate: endpoint }) => endpoint?.id),
    [10, 10, 10],
  );
});

test('a pod that goes and comes is told with its address', () => {
  const [gone, back] = [eventsOf(base, withoutClient), eventsOf(withoutClient, base)];
  assert.deepEqual(
    gone.map(({ type }) => type),
    [AgentEventType.ENDPOINT_DELETED, AgentEventType.IPCACHE_DELETED],
  );
  assert.equal(gone[0]?.endpoint_update?.pod_name, 'client');
  assert.equal(gone[1]?.ipcache_update?.cidr, '10.244.1.10/32');
  assert.deepEqual(
    back.map(({ type }) => type),
    [AgentEventType.ENDPOINT_CREATED, AgentEventType.ENDPOINT_REGENERATE_SUCCESS, AgentEventType.IPCACHE_UPSERTED],
  );
});

test('what stays the same is not told', () => {
  const reported = { ...policy, status: { conditions: [{ type: 'Valid', status: 'True' }] } };
  assert.deepEqual(eventsOf(withPolicy, { ...withPolicy, policies: [reported] }), []);
});
