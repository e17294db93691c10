import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { until } from '../../base/testing/index.ts';
import { type Flow, type FlowFilter, printJson, readJsonValue } from '../../model/flow/index.ts';
import { createObserver, type Observer } from '../observer/observer.ts';
import { startExporter } from './exporter.ts';
import { createRotatingFile } from './rotating-file.ts';

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const observerOf = (capacity = 1000): Observer => createObserver({ nodeName: 'c/n1', version: '1', capacity, now });
const flow = (number: number): Flow => ({ uuid: String(number), node_name: 'c/n1', time: { seconds: 1000 + number } });
const everything = { allow: [], deny: [], fieldMask: [], aggregation: undefined };

function folderOf(context: { after: (work: () => void) => void }): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ciliate-export-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a line is what hubble observe prints as jsonpb, with mask and filters', () => {
  const observer = observerOf();
  const dropped: Flow = { ...flow(1), verdict: 2, source: { namespace: 'shop', pod_name: 'a' } };
  const cases: readonly [Parameters<Observer['exportLines']>[0], readonly string[]][] = [
    [
      everything,
      [
        printJson('observer.GetFlowsResponse', { flow: dropped, node_name: 'c/n1', time: { seconds: 1001 } }),
        printJson('observer.GetFlowsResponse', { flow: flow(2), node_name: 'c/n1', time: { seconds: 1002 } }),
      ],
    ],
    [
      { ...everything, allow: [{ verdict: [2] }], fieldMask: ['source.pod_name', 'verdict'] },
      ['{"flow":{"verdict":"DROPPED","source":{"pod_name":"a"}}}'],
    ],
    [
      { ...everything, deny: [{ verdict: [2] }], fieldMask: ['uuid', 'node_name'] },
      ['{"flow":{"uuid":"2","node_name":"c/n1"},"node_name":"c/n1"}'],
    ],
  ];
  for (const [selection, expected] of cases) {
    const reader = observer.exportLines(selection);
    assert.ok(reader.ok);
    observer.push(dropped);
    observer.push(flow(2));
    const lines: string[] = [];
    for (let line = reader.value.next(); line !== undefined; line = reader.value.next()) lines.push(line);
    assert.deepEqual(lines, expected);
  }
  const wrong = observer.exportLines({ ...everything, fieldMask: ['nope'] });
  assert.equal(wrong.ok, false);
});

const casesFile = '/work/shared/data/hubble/exporter_filter_cases.json';
const skip = existsSync(casesFile) ? false : `${casesFile} is absent`;

test("the original's filter cases", { skip }, () => {
  interface Cases {
    readonly flows: Readonly<Record<string, object>>;
    readonly cases: readonly {
      readonly include: readonly object[];
      readonly send: string[];
      readonly exported: string[];
    }[];
  }
  const { flows, cases } = JSON.parse(readFileSync(casesFile, 'utf8')) as Cases;
  const read = <T extends object>(type: string, value: unknown): T => {
    const reading = readJsonValue<T>(type, value);
    assert.ok(reading.ok);
    return reading.value.message;
  };
  assert.ok(cases.length > 0);
  for (const { include, send, exported } of cases) {
    const observer = observerOf();
    const allow = include.map((filter) => read<FlowFilter>('flow.FlowFilter', filter));
    const reader = observer.exportLines({ ...everything, allow, fieldMask: ['uuid'] });
    assert.ok(reader.ok);
    for (const name of send) observer.push({ ...read<Flow>('flow.Flow', flows[name]), uuid: name });
    const found: string[] = [];
    for (let line = reader.value.next(); line !== undefined; line = reader.value.next()) found.push(line);
    assert.deepEqual(
      found,
      exported.map((name) => `{"flow":{"uuid":"${name}"}}`),
    );
  }
});

test('a full file is put aside with every line whole, the oldest go, and the rest are compressed', async (context) => {
  const folder = folderOf(context);
  const file = path.join(folder, 'deep', 'events.log');
  let clock = Date.UTC(2026, 0, 31, 12);
  const faults: Error[] = [];
  const options = {
    file,
    maxSizeBytes: 1000,
    maxBackups: 3,
    compress: true,
    now: () => clock,
    onError: (error: Error) => faults.push(error),
  };
  const rotating = createRotatingFile(options);
  const lines = Array.from({ length: 100 }, (_, number) => `${number} `.padEnd(99, 'x'));
  for (let at = 0; at < lines.length; at += 7) {
    await rotating.append(lines.slice(at, at + 7));
    clock += 1;
  }
  await rotating.close();
  assert.deepEqual(faults, []);
  const names = readdirSync(path.dirname(file)).sort();
  assert.equal(names.length, 4);
  assert.equal(names[3], 'events.log');
  assert.ok(
    names.slice(0, 3).every((name) => /^events-2026-01-31T12-00-00\.0\d\d\.log\.gz$/.test(name)),
    names.join(' '),
  );
  const texts = names.map((name) => {
    const bytes = readFileSync(path.join(path.dirname(file), name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  });
  assert.ok(texts.every((text) => text.length <= 1000));
  assert.equal(
    texts.join(''),
    lines
      .slice(-40)
      .map((line) => `${line}\n`)
      .join(''),
  );

  const again = createRotatingFile({ ...options, compress: false });
  await again.append(['one more']);
  await again.close();
  assert.equal(readdirSync(path.dirname(file)).length, 4, 'what was there is gone on with');
});

test('a write that fails leaves no part of a line and is told', async (context) => {
  const folder = folderOf(context);
  const blocked = path.join(folder, 'blocked');
  writeFileSync(blocked, '');
  const options = { maxSizeBytes: 1000, maxBackups: 1, compress: false, now: Date.now, onError: () => {} };
  await assert.rejects(
    createRotatingFile({ ...options, file: path.join(blocked, 'events.log') }).append(['a']),
    /ENOTDIR|EEXIST/,
  );
  await assert.rejects(createRotatingFile({ ...options, file: '/dev/full' }).append(['a']), /ENOSPC/);
});

test('what cannot be written is lost, counted, and told when writing works again', async () => {
  const observer = observerOf();
  const reader = observer.exportLines({ ...everything, fieldMask: ['uuid'] });
  assert.ok(reader.ok);
  const written: string[] = [];
  const states: string[] = [];
  let works = false;
  const sink = {
    append: async (lines: readonly string[]): Promise<void> => {
      if (!works) throw new Error('ENOSPC: no space left on device');
      written.push(...lines);
    },
    close: async (): Promise<void> => {},
  };
  const exporter = startExporter({
    reader: reader.value,
    sink,
    nodeName: 'c/n1',
    endMs: undefined,
    now: () => 1_000_000,
    onState: (failure) => states.push(failure?.message ?? 'works'),
  });
  observer.push(flow(1));
  observer.push(flow(2));
  await until(() => states.length > 0);
  works = true;
  observer.push(flow(3));
  await until(() => written.length > 0);
  await exporter.stop();
  assert.deepEqual(states, ['ENOSPC: no space left on device', 'works']);
  assert.deepEqual(written, [
    '{"lost_events":{"source":"OBSERVER_EVENTS_QUEUE","num_events_lost":"2"},"node_name":"c/n1","time":"1970-01-01T00:16:40Z"}',
    '{"flow":{"uuid":"3"}}',
  ]);
});

test('a write that is slow holds nothing but its own lines, and what the ring overwrites meanwhile is told', async () => {
  const observer = observerOf(10);
  const reader = observer.exportLines({ ...everything, fieldMask: ['uuid'] });
  assert.ok(reader.ok);
  const written: string[] = [];
  const slow = Promise.withResolvers<void>();
  const sink = {
    append: async (lines: readonly string[]): Promise<void> => {
      if (written.length === 0) {
        written.push(...lines);
        await slow.promise;
      } else written.push(...lines);
    },
    close: async (): Promise<void> => {},
  };
  const exporter = startExporter({
    reader: reader.value,
    sink,
    nodeName: 'c/n1',
    endMs: undefined,
    now: Date.now,
    onState: () => {},
  });
  observer.push(flow(0));
  await until(() => written.length === 1);
  for (let number = 1; number <= 100; number++) observer.push(flow(number));
  slow.resolve();
  await until(() => written.length >= 12);
  await exporter.stop();
  assert.match(written[1] ?? '', /"lost_events":\{"source":"HUBBLE_RING_BUFFER","num_events_lost":"90"/);
  assert.deepEqual(
    written.slice(2),
    Array.from({ length: 10 }, (_, at) => `{"flow":{"uuid":"${91 + at}"}}`),
  );
});

test('after its end nothing is written, and what happened before a stop is', async () => {
  const observer = observerOf();
  const written: string[] = [];
  const sink = {
    append: async (lines: readonly string[]): Promise<void> => void written.push(...lines),
    close: async (): Promise<void> => void written.push('closed'),
  };
  const open = (endMs: number | undefined) => {
    const reader = observer.exportLines({ ...everything, fieldMask: ['uuid'] });
    assert.ok(reader.ok);
    return startExporter({
      reader: reader.value,
      sink,
      nodeName: 'n',
      endMs,
      now: () => 5000,
      onState: assert.ifError,
    });
  };
  const ended = open(5000);
  observer.push(flow(1));
  await ended.stop();
  assert.deepEqual(written, ['closed']);
  const going = open(5001);
  observer.push(flow(2));
  await going.stop();
  assert.deepEqual(written, ['closed', '{"flow":{"uuid":"2"}}', 'closed']);
});
