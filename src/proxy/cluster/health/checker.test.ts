import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { type JsonObject, readMessage } from '../../config/fields.ts';
import { plainHttp2 } from '../../http2/options.ts';
import { seeded } from '../balance/testing.ts';
import { HEALTH, Host } from '../host.ts';
import { HealthChecker } from './checker.ts';
import { readHealthChecks } from './config.ts';
import { holdsParts } from './payload.ts';
import { HealthCheckStats } from './stats.ts';

const HTTP2 = plainHttp2({ streamErrors: false, maxHeadBytes: 60_000, maxHeaders: 100, underscores: 'ALLOW' });
const BASE = { timeout: '1s', interval: '60s', unhealthy_threshold: 1, healthy_threshold: 1 };

/** Runs one check against a server and gives what the server got. */
async function received(http: JsonObject, check: Record<string, string> = {}): Promise<string> {
  let text = '';
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const json = { health_checks: [{ ...BASE, http_health_check: http }] };
  const config = readMessage(json, '', [], (fields) => readHealthChecks(fields, false));
  assert.ok(config);
  const address = { kind: 'socket', host: '127.0.0.1', port } as const;
  const hostname = check['hostname'] ?? '';
  const host = new Host({ address, check: { address: undefined, hostname, disabled: false } });
  host.flags = HEALTH.FAILED_ACTIVE_HC;
  await new Promise<void>((done) => {
    const checker: HealthChecker = new HealthChecker(
      {
        config,
        binding: undefined,
        http2: HTTP2,
        stats: new HealthCheckStats(),
        random: seeded(),
        encryptionFor: () => undefined,
        connections: { cxTotal: 0, cxProtocolError: 0 },
        onChecked: (_host, changed, healthy) => {
          assert.deepEqual([changed, healthy], [true, true]);
          setImmediate(() => {
            checker.stop();
            done();
          });
        },
      },
      'c0',
    );
    checker.onMembers([host], []);
  });
  assert.equal(host.health, 'healthy');
  server.close();
  return text;
}

/** The bytes are those that Envoy 1.40 sends. */
const requests: readonly (readonly [string, JsonObject, string, Record<string, string>?])[] = [
  ['GET', { path: '/hc?x=1' }, 'GET /hc?x=1 HTTP/1.1\r\nhost: c0\r\nuser-agent: Envoy/HC\r\n\r\n'],
  [
    'POST with headers',
    {
      path: '/hc',
      method: 'POST',
      host: 'h.test',
      request_headers_to_add: [
        { header: { key: 'X-A', value: '1' } },
        { header: { key: 'user-agent', value: 'mine' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      ],
    },
    'POST /hc HTTP/1.1\r\nhost: h.test\r\nx-a: 1\r\nuser-agent: mine\r\ncontent-length: 0\r\n\r\n',
  ],
  [
    'PUT with a body',
    { path: '/hc', method: 'PUT', send: { text: '70696e67' }, request_headers_to_remove: ['user-agent'] },
    'PUT /hc HTTP/1.1\r\nhost: c0\r\ncontent-length: 4\r\n\r\nping',
  ],
  [
    "the endpoint's own name",
    { path: '/hc', method: 'OPTIONS', host: 'h.test' },
    'OPTIONS /hc HTTP/1.1\r\nhost: hc.test\r\nuser-agent: Envoy/HC\r\ncontent-length: 0\r\n\r\n',
    { hostname: 'hc.test' },
  ],
];

for (const [what, http, bytes, check] of requests) {
  test(`an HTTP check sends what Envoy sends: ${what}`, async () => {
    const sorted = (text: string): readonly string[] => text.split('\r\n').sort();
    assert.deepEqual(sorted(await received(http, check)), sorted(bytes));
  });
}

test('parts of a payload are found in their order only', () => {
  const parts = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));
  assert.equal(holdsParts(Buffer.from('abcabc'), parts('bc', 'ab')), true);
  assert.equal(holdsParts(Buffer.from('abc'), parts('bc', 'ab')), false);
  assert.equal(holdsParts(Buffer.from('ab'), parts('ab', 'b')), false, 'a part ends before the next begins');
  assert.equal(holdsParts(Buffer.from(''), []), true);
});
