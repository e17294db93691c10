import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessage, type Endpoint, encodeMessage, type Flow, Verdict } from '../../model/flow/index.ts';
import { encodeFlowResponse } from './encode.ts';
import { anyFlow } from './test-support.ts';

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
    { reply: true, socket_cookie: 2 ** 40, ip_trace_id: { trace_id: '18446744073709551615' }, proxy_port: 0 },
    {
      egress_allowed_by: [{ name: 'p', revision: 7 }],
      l7: { type: 1, latency_ns: 5, http: { headers: [{ key: 'a' }] } },
    },
    { Summary: 'x'.repeat(200_000), uuid: 'longer than what flows share memory in' },
  ];
  for (const flow of cases) saysTheSame(flow);
});

test('any flow encoded says what the schema alone would say', () => {
  fc.assert(fc.property(anyFlow, (flow) => saysTheSame(flow as Flow)));
});

function saysTheSame(flow: Flow): void {
  const { node_name: nodeName, time } = flow;
  const plain = { flow, ...(nodeName && { node_name: nodeName }), ...(time && { time }) };
  const expected = decodeMessage('observer.GetFlowsResponse', encodeMessage('observer.GetFlowsResponse', plain));
  assert.deepEqual(decodeMessage('observer.GetFlowsResponse', encodeFlowResponse(flow).bytes), expected);
}
