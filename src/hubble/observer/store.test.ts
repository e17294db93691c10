import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { decodeMessage, encodeMessage, type Flow } from '../../model/flow/index.ts';
import { createObserver } from './observer.ts';
import { createEventStore, flowOf } from './store.ts';
import { age, anyFlow } from './test-support.ts';

const anEvent = { kind: 'agent-event', timeNs: 0n, event: { type: 1 } } as const;

test('a flow that was told stays in protobuf alone from the second turn on; one that was not stays as it is', async () => {
  const store = createEventStore(10);
  const flows: readonly Flow[] = [{ uuid: 'told' }, { uuid: 'not told' }, { uuid: 'told late' }];
  for (const flow of flows) store.pushFlow(flow, 0n);
  const entries = flows.map((_, sequence) => store.ring.at(sequence));
  const [told, untold, late] = entries.map((entry) => (entry?.kind === 'flow' ? entry : assert.fail()));
  assert.ok(told && untold && late);
  store.encodedResponse(told);
  await nextTurn();
  assert.equal(flowOf(told), flows[0]);
  store.push(anEvent);
  await nextTurn();
  assert.notEqual(flowOf(told), flows[0]);
  assert.equal(flowOf(told).uuid, 'told');
  assert.equal(flowOf(untold), flows[1]);
  const bytes = store.encodedResponse(late);
  assert.notEqual(flowOf(late), flows[2]);
  assert.equal(store.encodedResponse(late), bytes);
});

test('masks and exported lines say the same of a flow in protobuf', async () => {
  const paths = ['uuid', 'verdict', 'IP', 'l4', 'l7', 'source.labels', 'destination.pod_name', 'is_reply'];
  const tell = async (flows: readonly Flow[], aged: boolean): Promise<readonly unknown[]> => {
    const observer = createObserver({ nodeName: 'n', version: 'v', now: () => 0n });
    const exported = observer.exportLines({ allow: [], deny: [], fieldMask: [], aggregation: undefined });
    assert.ok(exported.ok);
    for (const flow of flows) observer.push(flow);
    if (aged) await age(observer);
    const masked = observer.getFlows({ field_mask: { paths } });
    assert.ok(masked.ok);
    const lines = drain(exported.value).filter((line) => line.includes('"flow"'));
    return [...drain(masked.value).map(onTheWire), ...lines];
  };
  await fc.assert(
    fc.asyncProperty(fc.array(anyFlow, { minLength: 1, maxLength: 5 }), async (flows) => {
      assert.deepEqual(await tell(flows as Flow[], true), await tell(flows as Flow[], false));
    }),
    { numRuns: 200 },
  );
});

function onTheWire(response: object): object {
  return decodeMessage('observer.GetFlowsResponse', encodeMessage('observer.GetFlowsResponse', response));
}

function drain<T>(reader: { readonly next: () => T | undefined }): T[] {
  const out: T[] = [];
  for (let found = reader.next(); found !== undefined; found = reader.next()) out.push(found);
  return out;
}
