import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { formatIssue } from '../../base/index.ts';
import { readFlowLogs, readStaticExporter } from './settings.ts';

const file = { 'hubble-export-file-path': '/var/run/cilium/hubble/events.log' };

test('the static exporter and its defaults', () => {
  assert.deepEqual(readStaticExporter({}), { ok: true, value: undefined });
  assert.deepEqual(readStaticExporter({ 'hubble-export-file-path': '', 'hubble-export-allowlist': '{' }).ok, true);
  assert.deepEqual(readStaticExporter(file), {
    ok: true,
    value: {
      name: 'static',
      filePath: '/var/run/cilium/hubble/events.log',
      maxSizeBytes: 10 * 1024 * 1024,
      maxBackups: 5,
      compress: false,
      allow: [],
      deny: [],
      fieldMask: [],
      aggregation: undefined,
      endMs: undefined,
    },
  });
  const all = readStaticExporter({
    'hubble-export-file-path': 'stdout',
    'hubble-export-file-max-size-mb': '1',
    'hubble-export-file-max-backups': '0',
    'hubble-export-file-compress': 'true',
    'hubble-export-allowlist': '{"verdict":["DROPPED","ERROR"]} {"source_pod":["shop/"]}',
    'hubble-export-denylist': '{"protocol":["dns"]},{"sourcePod":["kube-system/"]}',
    'hubble-export-fieldmask': 'time source.pod_name,verdict',
  });
  assert.ok(all.ok && all.value);
  assert.deepEqual(all.value.allow, [{ verdict: [2, 3] }, { source_pod: ['shop/'] }]);
  assert.deepEqual(all.value.deny, [{ protocol: ['dns'] }, { source_pod: ['kube-system/'] }]);
  assert.deepEqual(all.value.fieldMask, ['time', 'source.pod_name', 'verdict']);
  assert.deepEqual([all.value.maxSizeBytes, all.value.maxBackups, all.value.compress], [1024 * 1024, 0, true]);
});

test('flows are counted where both fields and an interval are set', () => {
  const [fields, interval] = ['hubble-export-fieldaggregate', 'hubble-export-aggregation-interval'];
  const cases: readonly [data: Record<string, string>, aggregation: object | undefined][] = [
    [
      { [fields]: 'source.pod_name verdict', [interval]: '30s' },
      { fields: ['source.pod_name', 'verdict'], intervalMs: 30_000 },
    ],
    [{ [fields]: 'verdict', [interval]: '0s' }, undefined],
    [{ [fields]: 'verdict' }, undefined],
    [{ [fields]: '', [interval]: '30s' }, undefined],
  ];
  for (const [data, aggregation] of cases) {
    const read = readStaticExporter({ ...file, ...data });
    assert.ok(read.ok);
    assert.deepEqual(read.value?.aggregation, aggregation);
  }
});

test('what is wrong with the static exporter names option and field', () => {
  const cases: readonly [Record<string, string>, string][] = [
    [
      { 'hubble-export-file-path': 'events.log' },
      'hubble-export-file-path: found "events.log"; allowed: stdout, an absolute path of a file',
    ],
    [
      { 'hubble-export-file-max-size-mb': 'big' },
      'hubble-export-file-max-size-mb: found "big"; allowed: a whole number',
    ],
    [{ 'hubble-export-file-compress': 'yes' }, 'hubble-export-file-compress: found "yes"; allowed: true, false'],
    [
      { 'hubble-export-allowlist': '{"verdict":["NO"]}' },
      'hubble-export-allowlist[0]: verdict[0]: expected a name of flow.Verdict, got "NO"',
    ],
    [
      { 'hubble-export-allowlist': '{"verdict":' },
      'hubble-export-allowlist[0]: not JSON: Unexpected end of JSON input',
    ],
    [
      { 'hubble-export-denylist': '{"verdict":[]} {"nope":1}' },
      'hubble-export-denylist[1].nope: no field of flow.FlowFilter has this name',
    ],
    [
      { 'hubble-export-denylist': '{"protocol":["x"]}' },
      'hubble-export-denylist[0]: invalid protocol filter: unknown protocol: "x"',
    ],
    [
      { 'hubble-export-fieldmask': 'source.nope' },
      'hubble-export-fieldmask: invalid fieldmask: invalid path "source.nope" for message "flow.Flow"',
    ],
    [
      { 'hubble-export-fieldaggregate': 'verdict,nope' },
      'hubble-export-fieldaggregate: invalid fieldmask: invalid path "nope" for message "flow.Flow"',
    ],
    ...['30', '-1s', '1ms', '25h', 'soon'].map((text): [Record<string, string>, string] => [
      { 'hubble-export-aggregation-interval': text },
      `hubble-export-aggregation-interval: found "${text}"; allowed: 0s, a duration from 10ms to 24h as 30s`,
    ]),
  ];
  for (const [data, expected] of cases) {
    const read = readStaticExporter({ ...file, ...data });
    assert.deepEqual(read.ok ? [] : read.error.map(formatIssue), [expected]);
  }
});

const flowLogs = `
flowLogs:
- name: all
  filePath: /var/log/all.log
  fieldMask: []
  fieldAggregate: []
  aggregationInterval: 0s
  includeFilters: []
  excludeFilters: []
  fileMaxSizeMb: 0
  fileMaxBackups: 0
  fileCompress: false
  end: "2026-01-31T12:00:00-01:00"
- name: dropped
  filePath: /var/log/dropped.log
  fieldMask: [source.pod_name, verdict]
  fieldAggregate: [verdict]
  aggregationInterval: 1m30s
  includeFilters:
  - verdict: [DROPPED]
    event_type:
    - type: 1
  excludeFilters:
  - destination_pod: [ingress/]
  fileMaxSizeMb: 3
  fileMaxBackups: 2
  fileCompress: true
`;

test('the dynamic exporters', () => {
  const read = readFlowLogs(parse(flowLogs));
  assert.ok(read.ok, JSON.stringify(read));
  const [all, dropped] = read.value;
  assert.deepEqual([all?.endMs, all?.maxSizeBytes, all?.maxBackups], [Date.UTC(2026, 0, 31, 13), 10 * 1024 * 1024, 5]);
  assert.deepEqual(dropped, {
    name: 'dropped',
    filePath: '/var/log/dropped.log',
    maxSizeBytes: 3 * 1024 * 1024,
    maxBackups: 2,
    compress: true,
    allow: [{ verdict: [2], event_type: [{ type: 1 }] }],
    deny: [{ destination_pod: ['ingress/'] }],
    fieldMask: ['source.pod_name', 'verdict'],
    aggregation: { fields: ['verdict'], intervalMs: 90_000 },
    endMs: undefined,
  });
  assert.deepEqual(readFlowLogs(null), { ok: true, value: [] });
  assert.deepEqual(readFlowLogs({}), { ok: true, value: [] });
});

test('what is wrong with a dynamic exporter names its place', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['flowLogs: 3', ['flowLogs: found 3; allowed: a list']],
    ['flowLogs: [1]', ['flowLogs[0]: found 1; allowed: an object']],
    ['flowLogs: [{}]', ['flowLogs[0].name: is required', 'flowLogs[0].filePath: is required']],
    ['flowLogs: [{name: a, filePath: /a, fields: []}]', ['flowLogs[0].fields: is not known']],
    [
      'flowLogs: [{name: a, filePath: /a, end: soon}]',
      ['flowLogs[0].end: found "soon"; allowed: a time as 2026-01-31T00:00:00Z'],
    ],
    [
      'flowLogs: [{name: a, filePath: /a, fileMaxSizeMb: -1}]',
      ['flowLogs[0].fileMaxSizeMb: found -1; allowed: a whole number'],
    ],
    [
      'flowLogs: [{name: a, filePath: /a, includeFilters: [{source_pod: x}]}]',
      ['flowLogs[0].includeFilters[0]: source_pod: expected a list, got "x"'],
    ],
    [
      'flowLogs: [{name: a, filePath: /a, fieldMask: [nope]}]',
      ['flowLogs[0].fieldMask: invalid fieldmask: invalid path "nope" for message "flow.Flow"'],
    ],
    [
      'flowLogs: [{name: a, filePath: /a, fieldAggregate: [nope], aggregationInterval: 30}]',
      [
        'flowLogs[0].aggregationInterval: found 30; allowed: 0s, a duration from 10ms to 24h as 30s',
        'flowLogs[0].fieldAggregate: invalid fieldmask: invalid path "nope" for message "flow.Flow"',
      ],
    ],
    [
      'flowLogs: [{name: a, filePath: /a}, {name: a, filePath: /a}]',
      ['flowLogs[1].name: a is that of flowLogs[0], too', 'flowLogs[1].filePath: /a is that of flowLogs[0], too'],
    ],
  ];
  for (const [text, expected] of cases) {
    const read = readFlowLogs(parse(text));
    assert.deepEqual(read.ok ? [] : read.error.map(formatIssue), expected, text);
  }
});
