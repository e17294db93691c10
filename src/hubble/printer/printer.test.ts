import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type GetFlowsResponse, readJson, readJsonValue } from '../../model/flow/index.ts';
import { createPrinter, type PrinterOptions } from './printer.ts';

const data = '/work/shared/data/hubble';
const skip = existsSync(data) ? false : `${data} is absent`;

function responses(text: string): GetFlowsResponse[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const read = readJson<GetFlowsResponse>('observer.GetFlowsResponse', line);
      assert.ok(read.ok, line);
      return read.value.message;
    });
}

function printAll(options: PrinterOptions, list: readonly GetFlowsResponse[]): string {
  const printer = createPrinter(options);
  return list.map((response) => printer.print(response).out).join('') + printer.end();
}

test('constructed flows print as recorded', { skip }, () => {
  const list = responses(readFileSync(`${data}/flows_constructed.jsonl`, 'utf8'));
  const expected = readFileSync(`${data}/flows_constructed.compact.txt`, 'utf8');
  assert.equal(printAll({ output: 'compact' }, list).trim(), expected.trim());
});

test('golden printer cases', { skip }, () => {
  interface Case {
    readonly name: string;
    readonly options: {
      readonly output: PrinterOptions['output'];
      readonly node?: boolean;
      readonly policyNames?: boolean;
    };
    readonly flow: object;
    readonly expected: string;
  }
  const { cases } = JSON.parse(readFileSync(`${data}/printer_golden.json`, 'utf8')) as {
    readonly cases: readonly Case[];
  };
  for (const { name, options, flow, expected } of cases) {
    const read = readJsonValue<GetFlowsResponse>('observer.GetFlowsResponse', { flow });
    assert.ok(read.ok, name);
    const printed = printAll(
      { output: options.output, nodeName: options.node ?? false, policyNames: options.policyNames ?? false },
      [read.value.message],
    );
    assert.equal(printed, expected, name);
  }
});

const request: GetFlowsResponse = {
  flow: {
    time: { seconds: 1_639_581_017, nanos: 639_999_999 },
    verdict: 2,
    IP: { source: '10.244.1.61', destination: '10.244.1.140' },
    l4: { TCP: { source_port: 51312, destination_port: 8080 } },
    source: { identity: 30587, namespace: 'cilium-test', pod_name: 'client2-x' },
    destination: { identity: 2 },
    destination_names: ['one.one.one.one'],
    l7: { type: 1, http: { method: 'GET' } },
    event_type: { type: 129 },
    is_reply: { value: false },
    Summary: 'HTTP/1.1 GET http://e:8080/\u001b[2J\r\nfoo',
  },
};

test('compact switches', () => {
  const cases: readonly [PrinterOptions, string][] = [
    [
      { output: 'compact', identities: false },
      'Dec 15 15:10:17.639: cilium-test/client2-x:51312 -> one.one.one.one:8080 http-request DROPPED (HTTP/1.1 GET http://e:8080/^[[2J\\r\\nfoo)\n',
    ],
    [
      { output: 'compact', ipTranslation: false, timeFormat: 'RFC3339Micro' },
      '2021-12-15T15:10:17.639999Z: 10.244.1.61:51312 (ID:30587) -> 10.244.1.140:8080 (world) http-request DROPPED (HTTP/1.1 GET http://e:8080/^[[2J\\r\\nfoo)\n',
    ],
    [
      { output: 'compact', colour: true, ipTranslation: false },
      'Dec 15 15:10:17.639: \u001b[36m10.244.1.61:\u001b[33m51312\u001b[0m\u001b[0m \u001b[35m(ID:30587)\u001b[0m -> \u001b[36m10.244.1.140:\u001b[33m8080\u001b[0m\u001b[0m \u001b[35m(world)\u001b[0m http-request \u001b[31mDROPPED\u001b[0m (HTTP/1.1 GET http://e:8080/^[[2J\\r\\nfoo)\n',
    ],
  ];
  for (const [options, expected] of cases) assert.equal(printAll(options, [request]), expected);
});

const time = { seconds: 1_639_581_017, nanos: 0 };
const lost: GetFlowsResponse = {
  time,
  node_name: 'n1',
  lost_events: { source: 3, num_events_lost: 7, cpu: { value: 1 } },
};

test('lost events', () => {
  assert.equal(
    printAll({ output: 'compact' }, [lost]),
    'Dec 15 15:10:17.000 EVENTS LOST: HUBBLE_RING_BUFFER CPU(1) 7\n',
  );
  const spanned = { ...lost, lost_events: { ...lost.lost_events, first: time, last: time } };
  assert.equal(
    printAll({ output: 'compact' }, [spanned]),
    'Dec 15 15:10:17.000 EVENTS LOST: HUBBLE_RING_BUFFER CPU(1) 7 (first: Dec 15 15:10:17.000, last: Dec 15 15:10:17.000)\n',
  );
  assert.match(
    printAll({ output: 'table' }, [lost]),
    /HUBBLE_RING_BUFFER {3}- {13}EVENTS LOST {3}- {9}CPU\(1\) - 7\n$/,
  );
  assert.equal(
    printAll({ output: 'dict' }, [lost, lost]).split('\n').slice(0, 7).join('\n'),
    [
      '  TIMESTAMP: Dec 15 15:10:17.000',
      '     SOURCE: HUBBLE_RING_BUFFER',
      '       TYPE: EVENTS LOST',
      '    VERDICT: -',
      '    SUMMARY: CPU(1) - 7',
      '------------',
      '  TIMESTAMP: Dec 15 15:10:17.000',
    ].join('\n'),
  );
});

test('node status goes to standard error', () => {
  const status = (state: number, names: string[], message = ''): GetFlowsResponse => ({
    time,
    node_name: 'relay',
    node_status: { state_change: state, node_names: names, message },
  });
  const cases: readonly [GetFlowsResponse, string][] = [
    [status(1, ['a', 'b']), ''],
    [status(2, ['a', 'b']), 'Dec 15 15:10:17.000 [relay]: 2 nodes are unavailable: a, b\n'],
    [status(4, ['a'], 'no "x"'), 'Dec 15 15:10:17.000 [relay]: Error "no \\"x\\"" on 1 nodes: a\n'],
    [
      status(2, ['n'.repeat(30), 'm'.repeat(30), 'o']),
      `Dec 15 15:10:17.000 [relay]: 3 nodes are unavailable: ${'n'.repeat(30)} (and 2 more)\n`,
    ],
  ];
  for (const [response, expected] of cases) {
    const printed = createPrinter({ output: 'compact' }).print(response);
    assert.deepEqual(printed, { out: '', err: expected });
  }
});

test('agent events', () => {
  const cases: readonly [object, string][] = [
    [
      { type: 7, endpoint_update: { id: 42, namespace: 'default', pod_name: 'xwing' } },
      'ENDPOINT_CREATED (id: 42, namespace: default, pod name: xwing)',
    ],
    [
      { type: 3, policy_update: { labels: ['a', 'b'], revision: 3, rule_count: 1 } },
      'POLICY_UPDATED (labels: [a,b], revision: 3, count: 1)',
    ],
    [
      { type: 9, ipcache_update: { cidr: '10.0.0.1/32', identity: 1 } },
      'IPCACHE_UPSERTED (cidr: 10.0.0.1/32, identity: 1, encrypt key: 0)',
    ],
  ];
  for (const [event, expected] of cases) {
    const printed = createPrinter({ output: 'compact' }).agentEvent({ time, agent_event: event });
    assert.equal(printed.out, `Dec 15 15:10:17.000: ${expected}\n`);
  }
});
