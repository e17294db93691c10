import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePlan, World } from '../plan/index.ts';
import { createRefusals } from './refusals.ts';

const key = 'CiliumEnvoyConfig/default/cfg';

function version(generation: number) {
  return { kind: 'CiliumEnvoyConfig', metadata: { namespace: 'default', name: 'cfg', uid: 'u', generation } };
}

function planOf(object: unknown): NodePlan {
  return {
    lastGood: new Map([[key, object]]),
    envoyConfigResources: new Map([[key, ['default/cfg/l', 'default/echo']]]),
  } as unknown as NodePlan;
}

const worldOf = (object: unknown): World => ({ envoyConfigs: [object], policies: [] }) as unknown as World;
const accepted = { state: 'accepted', rejections: [] } as const;
const rejected = {
  state: 'rejected',
  rejections: [{ typeUrl: 't', message: 'default/echo: lb_policy: "MAGLEV" is not supported' }],
} as const;

test('a refused version leaves the one before as the last good one, with the words of the data plane', () => {
  const refusals = createRefusals();
  const [first, second] = [version(1), version(2)];
  assert.equal(refusals.note(planOf(first), worldOf(first), accepted), false);
  assert.equal(refusals.note(planOf(second), worldOf(second), rejected), true);
  assert.equal(refusals.lastGood().get(key), first);
  assert.deepEqual(refusals.current().get(key), { uid: 'u', generation: 2, message: rejected.rejections[0].message });
});

test('a version that is refused from the start leaves nothing', () => {
  const refusals = createRefusals();
  const only = version(1);
  assert.equal(refusals.note(planOf(only), worldOf(only), rejected), true);
  assert.equal(refusals.lastGood().size, 0);
});

test('a rejection that names none of its resources, or comes when an older version is in force, blames nobody', () => {
  const refusals = createRefusals();
  const object = version(1);
  const other = { state: 'rejected', rejections: [{ typeUrl: 't', message: 'other: no' }] } as const;
  assert.equal(refusals.note(planOf(object), worldOf(object), other), false);
  assert.equal(refusals.note(planOf(version(1)), worldOf(object), rejected), false);
  assert.equal(refusals.current().size, 0);
});

test('another data plane is asked anew', () => {
  const refusals = createRefusals();
  const object = version(1);
  refusals.note(planOf(object), worldOf(object), rejected);
  refusals.forget();
  assert.equal(refusals.current().size, 0);
});

test('a policy is refused when one of its rules is', () => {
  const policy = (name: string) => ({
    kind: 'CiliumNetworkPolicy',
    metadata: { namespace: 'default', name, uid: name, generation: 1 },
  });
  const [good, bad] = [policy('a'), policy('a-b')];
  const message = 'ciliate/egress: rules.policies["cnp/default/a-b/spec.egress[0]"].permissions[0]: no';
  const next = {
    lastGood: new Map([good, bad].map((one) => [`CiliumNetworkPolicy/default/${one.metadata.name}`, one])),
    envoyConfigResources: new Map(),
  } as unknown as NodePlan;
  const world = { envoyConfigs: [], policies: [good, bad] } as unknown as World;
  const refusals = createRefusals();
  assert.equal(refusals.note(next, world, { state: 'rejected', rejections: [{ typeUrl: 't', message }] }), true);
  assert.deepEqual(
    [...refusals.current()],
    [['CiliumNetworkPolicy/default/a-b', { uid: 'a-b', generation: 1, message }]],
  );
  assert.deepEqual([...refusals.lastGood().keys()], ['CiliumNetworkPolicy/default/a']);
});
