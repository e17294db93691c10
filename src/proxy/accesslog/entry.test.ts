import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBinary } from '../../model/envoy/index.ts';
import { RequestHead, ResponseHead } from '../http/head.ts';
import { HeaderMap } from '../http/headers.ts';
import { FLAG, FLAG_TEXTS, StreamInfo } from '../http/stream-info.ts';
import { Entries } from './entries.ts';
import { putHttpEntry, putTcpEntry } from './entry.ts';
import { WireWriter } from './wire.ts';

const client = { address: '10.0.0.1', port: 4321 };
const NOTHING_LOGGED = { request: [], response: [], trailers: [] };
const HTTP_ENTRIES = 'envoy.service.accesslog.v3.StreamAccessLogsMessage.HTTPAccessLogEntries';
const TCP_ENTRIES = 'envoy.service.accesslog.v3.StreamAccessLogsMessage.TCPAccessLogEntries';

function streamInfo(): StreamInfo {
  return new StreamInfo({
    remote: { address: '192.0.2.7', port: 0 },
    directRemote: client,
    local: { address: '/run/here', port: 0 },
  });
}

function entryOf(put: (out: WireWriter) => void, type: string): Record<string, unknown> {
  const out = new WireWriter(16);
  put(out);
  const [entry] = decodeBinary(type, out.bytes.subarray(0, out.length))['log_entry'] as Record<string, unknown>[];
  return entry as Record<string, unknown>;
}

test('an HTTP entry says all that is known of a request', () => {
  const info = streamInfo();
  const at = (milliseconds: number): number => info.startedAt + milliseconds;
  Object.assign(info, {
    startTime: 1_700_000_000_123,
    requestEndAt: at(1),
    responseStartAt: at(1500),
    responseEndAt: at(2000),
  });
  Object.assign(info, {
    clusterName: 'api',
    routeName: 'all',
    requestId: 'id',
    attempts: 1,
    status: 200,
    details: 'via_upstream',
  });
  Object.assign(info, { bytesReceived: 5, bytesSent: 2 ** 40, upstreamLocal: client, accessLogType: 'DownstreamEnd' });
  info.flags = FLAG.NO_CLUSTER | FLAG.UPSTREAM_TIMEOUT;
  info.setMetadata('ns', 'key', { a: [0, false, '', null, 1.5, 'é'] });
  info.request = new RequestHead();
  Object.assign(info.request, {
    method: 'POST',
    path: '/é',
    scheme: 'http',
    authority: 'host',
    hasAuthority: true,
    size: 300,
  });
  info.request.headers.add('user-agent', 'agent of more than twenty characters');
  info.request.headers.add('x', '1');
  info.request.headers.add('x', `${'é'.repeat(30)}`);
  info.response = new ResponseHead();
  info.responseTrailers = new HeaderMap();
  info.responseTrailers.add('t', '');
  const logged = { request: ['x', 'absent'], response: ['y'], trailers: ['t'] };
  const address = (path: string): object => ({
    socket_address: { address: path, port_value: path === '10.0.0.1' ? 4321 : 0 },
  });
  assert.deepEqual(
    entryOf((out) => putHttpEntry(out, 1, info, logged), HTTP_ENTRIES),
    {
      common_properties: {
        downstream_remote_address: address('192.0.2.7'),
        downstream_local_address: { pipe: { path: '/run/here' } },
        start_time: '2023-11-14T22:13:20.123Z',
        time_to_last_rx_byte: '0.001s',
        time_to_first_downstream_tx_byte: '1.500s',
        time_to_last_downstream_tx_byte: '2s',
        upstream_local_address: address('10.0.0.1'),
        upstream_cluster: 'api',
        response_flags: { upstream_request_timeout: true, no_cluster_found: true },
        metadata: { filter_metadata: { ns: { key: { a: [0, false, '', null, 1.5, 'é'] } } } },
        route_name: 'all',
        downstream_direct_remote_address: address('10.0.0.1'),
        duration: '2s',
        upstream_request_attempt_count: 1,
        stream_id: 'id',
        access_log_type: 'DownstreamEnd',
      },
      protocol_version: 'HTTP11',
      request: {
        request_method: 'POST',
        scheme: 'http',
        authority: 'host',
        path: '/é',
        user_agent: 'agent of more than twenty characters',
        request_id: 'id',
        request_headers_bytes: '300',
        request_body_bytes: '5',
        request_headers: { x: `1,${'é'.repeat(30)}` },
      },
      response: {
        response_code: 200,
        response_body_bytes: String(2 ** 40),
        response_trailers: { t: '' },
        response_code_details: 'via_upstream',
      },
    },
  );
});

test('all headers are logged where all are asked for, while there is room', () => {
  const info = streamInfo();
  info.request = new RequestHead();
  info.request.headers.add('a', '1');
  info.request.headers.add('b', 'x'.repeat(4000));
  info.request.headers.add('a', '2');
  info.request.headers.add('too-long', 'x'.repeat(100));
  info.request.headers.add('c', '3');
  info.request.headers.add('referer', 'r');
  info.response = new ResponseHead();
  info.response.headers.add('d', '4');
  info.request.method = 'PURGE';
  const all = { request: ['*', ':method'], response: ['*'], trailers: [] };
  const { request, response } = entryOf((out) => putHttpEntry(out, 1, info, all), HTTP_ENTRIES);
  const headers = { a: '1,2', b: 'x'.repeat(4000), c: '3', ':method': 'PURGE' };
  const told = request as Record<string, unknown>;
  assert.deepEqual([told['request_headers'], told['referer']], [headers, 'r']);
  assert.deepEqual((response as Record<string, unknown>)['response_headers'], { d: '4' });
});

test('every response flag has its field', () => {
  for (const [bit, , , field] of FLAG_TEXTS) {
    const info = streamInfo();
    info.flags = bit;
    const entry = entryOf((out) => putHttpEntry(out, 1, info, NOTHING_LOGGED), HTTP_ENTRIES);
    const value = bit === FLAG.UNAUTHORIZED ? { reason: 'EXTERNAL_SERVICE' } : true;
    assert.deepEqual((entry['common_properties'] as Record<string, unknown>)['response_flags'], { [field]: value });
  }
});

test('a TCP entry counts bytes', () => {
  const info = streamInfo();
  Object.assign(info, { bytesReceived: 1, bytesSent: 300 });
  const entry = entryOf((out) => putTcpEntry(out, 1, info), TCP_ENTRIES);
  assert.deepEqual(entry['connection_properties'], { received_bytes: '1', sent_bytes: '300' });
});

test('a TCP entry says which name a client hello asks for and why the connection ended', () => {
  const local = { address: '10.0.0.2', port: 443 };
  const hello = { serverName: 'a.test', protocols: [] };
  const info = new StreamInfo({ remote: client, directRemote: client, local, hello });
  info.terminationDetails = 'rbac_access_denied_matched_policy[none]';
  const entry = entryOf((out) => putTcpEntry(out, 1, info), TCP_ENTRIES);
  const common = entry['common_properties'] as Record<string, unknown>;
  assert.deepEqual(common['tls_properties'], { tls_sni_hostname: 'a.test' });
  assert.equal(common['connection_termination_details'], 'rbac_access_denied_matched_policy[none]');
});

/** What is done to waiting entries: one more with so long a path, the oldest taken. */
const step = fc.oneof(fc.nat(70_000), fc.nat(40), fc.nat(8000), fc.constant('take' as const));

test('entries wait in order and are taken in pieces, each of whole entries and of no more than a message may hold', () => {
  const out = new WireWriter();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const entries = new Entries();
      const expected: string[] = [];
      for (const one of [...steps, ...steps.map(() => 'take' as const)]) {
        if (typeof one === 'number') {
          out.length = 0;
          out.string(1, String(expected.length).padEnd(one, '.'));
          expected.push(out.bytes.toString('latin1', 0, out.length));
          entries.add(out.bytes, out.length, 1);
        } else {
          const { length, count } = entries.oldest ?? { length: 0, count: 0 };
          assert.equal(entries.take(3).toString('latin1', 3), expected.splice(0, count).join(''));
          assert.ok(count > 0 || expected.length === 0);
          assert.ok(count <= 1 || length <= 65_536);
        }
        assert.equal(entries.count, expected.length);
        assert.equal(entries.byteLength, expected.join('').length);
      }
      assert.equal(entries.count, 0);
    }),
    { numRuns: 30 },
  );
});

test('a duration that falls short of whole seconds by less than a nanosecond is told as whole', () => {
  for (const startedAt of [0, 1234.567891, 77_777.1234567, 98_765.4321]) {
    const info = streamInfo();
    Object.assign(info, { startedAt, responseEndAt: startedAt + 2000 });
    const { common_properties } = entryOf((out) => putHttpEntry(out, 1, info, NOTHING_LOGGED), HTTP_ENTRIES);
    assert.equal((common_properties as Record<string, unknown>)['duration'], '2s', String(startedAt));
  }
});

test('an entry has the tags that are asked for and have a value, as text', () => {
  const info = streamInfo();
  info.status = 204;
  const tags = [
    { name: 'fixed', value: () => 'caf\xc3\xa9' },
    { name: 'number', value: ({ status }: StreamInfo) => ({ integer: status }) },
    { name: 'missing', value: () => undefined },
  ];
  const wanted = { fixed: 'caf\u00e9', number: '204' };
  const http = entryOf((out) => putHttpEntry(out, 1, info, NOTHING_LOGGED, tags), HTTP_ENTRIES);
  assert.deepEqual((http['common_properties'] as Record<string, unknown>)['custom_tags'], wanted);
  const tcp = entryOf((out) => putTcpEntry(out, 1, info, tags), TCP_ENTRIES);
  assert.deepEqual((tcp['common_properties'] as Record<string, unknown>)['custom_tags'], wanted);
});
