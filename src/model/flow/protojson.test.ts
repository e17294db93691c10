import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeMessage, encodeMessage, printJson, readJson } from './index.ts';

const samples = ['flows_constructed.jsonl', 'samples_from_docs.jsonl'].map(
  (name) => `/work/shared/data/hubble/${name}`,
);

for (const file of samples) {
  const present = existsSync(file);
  test(`${file} keeps every byte through JSON and protobuf`, { skip: present ? false : `${file} is absent` }, () => {
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const read = readJson<object>('observer.GetFlowsResponse', line);
      assert.ok(read.ok, read.ok ? '' : read.error);
      assert.deepEqual(read.value.unknown, []);
      const bytes = encodeMessage('observer.GetFlowsResponse', read.value.message);
      const again = decodeMessage<object>('observer.GetFlowsResponse', bytes);
      assert.equal(printJson('observer.GetFlowsResponse', read.value.message), line);
      assert.equal(printJson('observer.GetFlowsResponse', again), line);
    }
  });
}

test('protobuf JSON is printed as Go prints it', () => {
  const cases: readonly [object, string][] = [
    [{}, '{}'],
    [{ flow: {} }, '{"flow":{}}'],
    [{ flow: { is_reply: { value: false } } }, '{"flow":{"is_reply":false}}'],
    [{ flow: { uuid: '0', node_name: '' } }, '{"flow":{"uuid":"0"}}'],
    [{ flow: { socket_cookie: '0', cgroup_id: 0 } }, '{"flow":{}}'],
    [{ flow: { verdict: 99 } }, '{"flow":{"verdict":99}}'],
    [
      { flow: { l7: { latency_ns: '18446744073709551615', http: { url: 'http://a/?b=1&c=<2>\u2028' } } } },
      '{"flow":{"l7":{"latency_ns":"18446744073709551615","http":{"url":"http://a/?b=1\\u0026c=\\u003c2\\u003e\\u2028"}}}}',
    ],
    [
      { lost_events: { source: 3, num_events_lost: 1, cpu: { value: 0 } }, time: { seconds: 1, nanos: 120_000_000 } },
      '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"1","cpu":0},"time":"1970-01-01T00:00:01.120Z"}',
    ],
  ];
  for (const [message, expected] of cases) assert.equal(printJson('observer.GetFlowsResponse', message), expected);
});

test('what does not fit the schema is named', () => {
  const cases: readonly [string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /message: expected an object/],
    ['{"verdict":["NO"]}', /verdict\[0\]: expected a name of flow.Verdict, got "NO"/],
    ['{"source_identity":[-1]}', /source_identity\[0\]: expected a number from 0/],
    ['{"source_pod":"a"}', /source_pod: expected a list/],
  ];
  for (const [json, expected] of cases) {
    const read = readJson('flow.FlowFilter', json);
    assert.match(read.ok ? '' : read.error, expected);
  }
  const camel = readJson<object>('flow.FlowFilter', '{"sourcePod":["a/"],"nope":1,"verdict":[2]}');
  assert.deepEqual(camel, { ok: true, value: { message: { source_pod: ['a/'], verdict: [2] }, unknown: ['nope'] } });
});
