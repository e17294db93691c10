import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { createLogger } from '../base/index.ts';
import { lookupMessage } from '../model/envoy/index.ts';
import { createEntryQueue, type LogEntry } from './access-log-queue.ts';
import { accessLogService } from './access-log-server.ts';
import { readLogMessage } from './access-log-wire.ts';

const log = createLogger('access-log-test');
log.level = 'silent';

function entriesOf(count: number, size = 1): LogEntry[] {
  return Array.from({ length: count }, (_, number) => ({
    kind: 'http',
    way: { listener: 'cilium-http-egress' },
    logName: String(number),
    bytes: new Uint8Array(size),
  }));
}

async function settled(done: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !done(); turns++) await sleep(1);
}

test('entries are taken in order, some in each turn of the event loop', async () => {
  const taken: string[] = [];
  let turns = 0;
  const queue = createEntryQueue({ take: ({ logName }) => taken.push(logName), onLost: () => assert.fail() });
  queue.push(entriesOf(250));
  assert.deepEqual(taken, [], 'nothing is done while the stream is read');
  for (; taken.length < 250 && turns < 10_000; turns++) await turn();
  assert.ok(turns > 1);
  assert.deepEqual(
    taken,
    entriesOf(250).map(({ logName }) => logName),
  );
});

test('what there is no room for is counted as lost, by number and by size, and room comes back', async () => {
  const cases: readonly (readonly [entries: LogEntry[], kept: number])[] = [
    [entriesOf(20_000), 16_384],
    [entriesOf(20, 1024 * 1024), 16],
  ];
  for (const [entries, kept] of cases) {
    let taken = 0;
    let lost = 0;
    let empty = 0;
    const queue = createEntryQueue({ take: () => taken++, onLost: (count) => (lost += count), onEmpty: () => empty++ });
    queue.push(entries.slice(0, kept / 2 - 1));
    assert.equal(queue.filled(), false);
    queue.push(entries.slice(kept / 2 - 1));
    assert.equal(queue.filled(), true);
    assert.equal(lost, entries.length - kept);
    await settled(() => empty > 0);
    assert.deepEqual({ taken, empty, filled: queue.filled() }, { taken: kept, empty: 1, filled: false });
    queue.push(entriesOf(1));
    await settled(() => taken === kept + 1);
    assert.deepEqual({ taken, lost }, { taken: kept + 1, lost: entries.length - kept });
  }
});

const message = lookupMessage('envoy.service.accesslog.v3.StreamAccessLogsMessage');

function encoded(object: object): Buffer {
  assert.ok(message);
  return Buffer.from(message.encode(message.fromObject(object)).finish());
}

const address = (ip: string) => ({ socket_address: { address: ip, port_value: 80 } });
const common_properties = {
  downstream_remote_address: address('10.0.0.1'),
  downstream_local_address: address('10.0.0.2'),
  start_time: { seconds: 5 },
  metadata: {
    filter_metadata: {
      'envoy.filters.http.upstream_rbac': { fields: { enforced_engine_result: { stringValue: 'denied' } } },
    },
  },
};
const httpEntry = { common_properties, protocol_version: 2, request: { request_method: 1, path: '/a' } };

test('a message is taken apart without decoding its entries', () => {
  const { logName, entries } = readLogMessage(
    encoded({ identifier: { log_name: 'egress:x' }, http_logs: { log_entry: [httpEntry, httpEntry] } }),
  );
  assert.equal(logName, 'egress:x');
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['http', 'http'],
  );
  assert.equal(readLogMessage(encoded({ tcp_logs: { log_entry: [{}] } })).entries[0]?.kind, 'tcp');
  assert.deepEqual(readLogMessage(Buffer.alloc(0)), { logName: undefined, entries: [], dropped: undefined });
  // Field 1000, a varint of 300.
  assert.equal(readLogMessage(Buffer.from([0xc0, 0x3e, 0xac, 0x02])).dropped, 300);
  assert.throws(() => readLogMessage(Buffer.from([0x12, 0x7f, 1])));
});

test('a data plane that says what it drops waits while there is more than enough, any other is read on', async () => {
  const most = 16_384;
  for (const [dropped, waits] of [
    [0, true],
    [undefined, false],
  ] as const) {
    let taken = 0;
    let lost = 0;
    const service = accessLogService({ onEvent: () => taken++, onLost: (count) => (lost += count), log });
    const handler = service.implementation['StreamAccessLogs'] as unknown as (call: Readable, done: () => void) => void;
    const entry = readLogMessage(encoded({ http_logs: { log_entry: [httpEntry] } })).entries[0];
    assert.ok(entry);
    const messages = 30;
    const each = 1000;
    const stream = Readable.from(
      Array.from({ length: messages }, (_, number) => ({
        logName: number === 0 ? 'ingress:x' : undefined,
        entries: Array.from({ length: each }, () => entry),
        dropped: number === 0 ? dropped : undefined,
      })),
    );
    handler(stream, () => {});
    await settled(() => taken + lost === messages * each);
    assert.equal(taken + lost, messages * each);
    if (waits) assert.equal(lost, 0);
    else assert.ok(lost >= messages * each - most - each, `${lost} lost`);
  }
});

test('a stream becomes events, and an entry that is no protobuf is left out', async () => {
  const events: unknown[] = [];
  const service = accessLogService({ onEvent: (event) => events.push(event), onLost: () => assert.fail(), log });
  const call = new EventEmitter();
  const handler = service.implementation['StreamAccessLogs'] as unknown as (
    call: EventEmitter,
    done: () => void,
  ) => void;
  handler(call, () => {});
  call.emit('data', readLogMessage(encoded({ identifier: { log_name: 'ingress:x' } })));
  call.emit('data', {
    logName: undefined,
    entries: [{ kind: 'http', bytes: Buffer.from([0xff]) }],
    dropped: undefined,
  });
  call.emit('data', readLogMessage(encoded({ http_logs: { log_entry: [httpEntry] } })));
  await settled(() => events.length > 0);
  assert.deepEqual(events, [
    {
      kind: 'http',
      way: { listener: 'x' },
      direction: 'ingress',
      startNs: 5_000_000_000n,
      latencyNs: 0n,
      source: { address: '10.0.0.1', port: 80 },
      destination: { address: '10.0.0.2', port: 80 },
      method: 'GET',
      url: 'http:///a',
      protocol: 'HTTP/1.1',
      requestHeaders: [],
      responseHeaders: [],
      status: 0,
      verdicts: { egress: { denied: true, rules: [] } },
    },
  ]);
});
