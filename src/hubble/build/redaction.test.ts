import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import type { HttpEvent } from '../../model/flow/index.ts';
import { createPrinter } from '../printer/printer.ts';
import { buildFlow } from './flow.ts';
import type { FlowLookups } from './lookups.ts';
import { readRedaction } from './redaction-settings.ts';

const lookups: FlowLookups = {
  nodeName: 'node-1',
  endpoint: () => undefined,
  service: () => undefined,
  names: () => [],
  policyRevision: 1,
  rule: () => undefined,
  closing: () => [],
};
const event: HttpEvent = {
  kind: 'http',
  way: { listener: 'cilium-http-egress', originalPath: '/before?key=1#f' },
  direction: 'egress',
  startNs: 0n,
  latencyNs: 1_000_000n,
  source: { address: '10.0.0.1', port: 1 },
  destination: { address: '10.0.0.2', port: 80 },
  method: 'GET',
  url: 'http://me:pass@web/a?key=1#f',
  protocol: 'HTTP/1.1',
  requestHeaders: [
    { key: 'Accept', value: '*/*' },
    { key: 'Authorization', value: 'Bearer x' },
    { key: 'X-Mine', value: 'y' },
    { key: 'X-Request-Id', value: 'id' },
  ],
  responseHeaders: [
    { key: 'Content-Type', value: 'text/plain' },
    { key: 'Set-Cookie', value: 'c' },
  ],
  status: 200,
  verdicts: {},
};

interface Expected {
  readonly url: string;
  /** Whose values stay. */
  readonly headers: string;
  /** The answer's cookie stays. */
  readonly cookie?: true;
}

const plain = 'http://me:pass@web/a?key=1#f';
const withoutPassword = 'http://me:HUBBLE_REDACTED@web/a?key=1#f';
const cases: readonly [what: string, data: Readonly<Record<string, string>>, Expected][] = [
  ['nothing set', {}, { url: withoutPassword, headers: 'Accept X-Request-Id' }],
  ['empty values', { enabled: '', 'http-headers-allow': '' }, { url: withoutPassword, headers: 'Accept X-Request-Id' }],
  ['off', { enabled: 'false' }, { url: plain, headers: 'Accept Authorization X-Mine X-Request-Id', cookie: true }],
  [
    'off, whatever else is set',
    { enabled: 'false', 'http-urlquery': 'true', 'http-headers-deny': 'x-mine' },
    { url: plain, headers: 'Accept Authorization X-Mine X-Request-Id', cookie: true },
  ],
  ['on', { enabled: 'true' }, { url: withoutPassword, headers: '' }],
  ['on, with user info', { enabled: 'true', 'http-userinfo': 'false' }, { url: plain, headers: '' }],
  [
    'on, without query',
    { enabled: 'true', 'http-urlquery': 'true' },
    { url: 'http://me:HUBBLE_REDACTED@web/a', headers: '' },
  ],
  [
    'on, headers allowed',
    { enabled: 'true', 'http-headers-allow': 'x-mine, ACCEPT' },
    { url: withoutPassword, headers: 'Accept X-Mine' },
  ],
  [
    'on, headers denied',
    { enabled: 'true', 'http-headers-deny': 'x-mine authorization' },
    { url: withoutPassword, headers: 'Accept X-Request-Id', cookie: true },
  ],
  ['on, for Kafka', { enabled: 'true', 'kafka-apikey': 'true' }, { url: withoutPassword, headers: '' }],
  [
    'a part alone: the query',
    { 'http-urlquery': 'true' },
    { url: 'http://me:HUBBLE_REDACTED@web/a', headers: 'Accept X-Request-Id' },
  ],
  ['a part alone: user info', { 'http-userinfo': 'false' }, { url: plain, headers: 'Accept X-Request-Id' }],
  ['a part alone: headers allowed', { 'http-headers-allow': 'X-Mine' }, { url: withoutPassword, headers: 'X-Mine' }],
  [
    'a part alone: headers denied',
    { 'http-headers-deny': 'Authorization' },
    { url: withoutPassword, headers: 'Accept X-Mine X-Request-Id', cookie: true },
  ],
];

for (const [what, data, expected] of cases) {
  test(`redaction: ${what}`, () => {
    const read = readRedaction(keyed(data));
    assert.ok(read.ok);
    const flows = buildFlow(event, lookups, () => 'uuid', read.value);
    const [request] = flows;
    const headers = request?.l7?.http?.headers ?? [];
    const kept = headers.filter(({ value }) => value !== 'HUBBLE_REDACTED').map(({ key }) => key);
    assert.deepEqual([request?.l7?.http?.url, kept.join(' ')], [expected.url, expected.headers]);
    const asked = request?.proxied?.original_path;
    assert.equal(asked, expected.url.includes('?') ? '/before?key=1#f' : '/before');
    const answered = flows[1]?.l7?.http?.headers ?? [];
    assert.deepEqual(
      answered.map(({ key }) => key),
      ['Content-Type', 'Set-Cookie', 'X-Request-Id'],
    );
    const listed = expected.headers.split(' ');
    const requestId = answered.find(({ key }) => key === 'X-Request-Id')?.value;
    assert.equal(requestId, listed.includes('X-Request-Id') ? 'id' : 'HUBBLE_REDACTED');
    const cookie = answered.find(({ key }) => key === 'Set-Cookie')?.value;
    assert.equal(cookie, expected.cookie === true ? 'c' : 'HUBBLE_REDACTED');
    const lines = flows.map((flow) => createPrinter({ output: 'compact' }).print({ flow }).out);
    assert.ok(lines.every((line) => line.includes(`GET ${expected.url})`)));
  });
}

test('redaction settings that are not understood are refused', () => {
  const refused: readonly [data: Readonly<Record<string, string>>, RegExp][] = [
    [
      { 'http-headers-allow': 'a', 'http-headers-deny': 'b' },
      /^hubble-redact-http-headers-deny: is set together with hubble-redact-http-headers-allow.*one of the two/,
    ],
    [{ enabled: 'yes' }, /^hubble-redact-enabled: found "yes".*true, false/],
    [{ enabled: 'true', 'kafka-apikey': '1' }, /^hubble-redact-kafka-apikey: found "1"/],
    [{ 'http-headers-allow': 'ok,x:y' }, /^hubble-redact-http-headers-allow: found "x:y"/],
  ];
  for (const [data, expected] of refused) {
    const read = readRedaction(keyed(data));
    assert.ok(!read.ok);
    assert.match(read.error.map(formatIssue).join('\n'), expected);
  }
});

function keyed(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [`hubble-redact-${name}`, value]));
}
