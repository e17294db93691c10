import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, type Endpoint, encodeMessage, type Flow, Verdict } from '../../model/flow/index.ts';
import { encodeFlowResponse } from './encode.ts';

const client: Endpoint = {
  ID: 7,
  identity: 30_001,
  namespace: 'shop',
  pod_name: 'client-ä',
  labels: ['k8s:name=client'],
  workloads: [{ name: 'client', kind: 'Deployment' }],
};
const server: Endpoint = { identity: 2, labels: ['reserved:world'] };

test('a flow encoded with known endpoints says what the schema alone would say', () => {
  const cases: readonly Flow[] = [
    {},
    { uuid: 'a', source: client, destination: server, node_name: 'c/n', time: { seconds: 5, nanos: 6 } },
    { uuid: 'b', source: server, destination: client, verdict: Verdict.DROPPED, is_reply: { value: false } },
    { uuid: 'c', source: client, destination: client, Summary: 'the same object on both sides' },
    { uuid: 'd', source: null, destination: {}, node_name: '' },
    { uuid: 'e', source: { ...client, pod_name: 'another' }, policy_log: ['x'] },
  ];
  for (const flow of cases) {
    const { node_name: nodeName, time } = flow;
    const plain = { flow, ...(nodeName && { node_name: nodeName }), ...(time && { time }) };
    const expected = decodeMessage('observer.GetFlowsResponse', encodeMessage('observer.GetFlowsResponse', plain));
    assert.deepEqual(decodeMessage('observer.GetFlowsResponse', encodeFlowResponse(flow).bytes), expected);
  }
});
