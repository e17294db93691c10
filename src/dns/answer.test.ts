import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from './answer.ts';
import { buildZone } from './zone.ts';
import { parseZone } from './zone-file.ts';

const zone = buildZone(
  [
    {
      metadata: { name: 'web', namespace: 'ns' },
      spec: { clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    },
    { metadata: { name: 'db', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ name: 'pg', port: 5432 }] } },
    { metadata: { name: 'ext', namespace: 'ns' }, spec: { type: 'ExternalName', externalName: 'one.one.one.one' } },
  ],
  [
    {
      metadata: { name: 'db-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'db' } },
      addressType: 'IPv4',
      ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['10.244.1.10'], hostname: 'db-0', conditions: { ready: true } },
        { addresses: ['10.244.1.11'], conditions: { ready: true } },
        { addresses: ['10.244.1.12'], conditions: { ready: false } },
      ],
    },
  ],
  { 'one.one.one.one': '203.0.113.10' },
);

const cases: readonly (readonly [name: string, type: string, expected: string])[] = [
  ['web.ns.svc.cluster.local.', 'A', 'NOERROR A 10.96.0.7'],
  ['web.ns.svc.cluster.local.', 'AAAA', 'NOERROR'],
  ['_http._tcp.web.ns.svc.cluster.local.', 'SRV', 'NOERROR SRV web.ns.svc.cluster.local:80'],
  ['db.ns.svc.cluster.local.', 'A', 'NOERROR A 10.244.1.10 A 10.244.1.11'],
  ['db-0.db.ns.svc.cluster.local.', 'A', 'NOERROR A 10.244.1.10'],
  ['10-244-1-11.db.ns.svc.cluster.local.', 'A', 'NOERROR A 10.244.1.11'],
  ['ext.ns.svc.cluster.local.', 'A', 'NOERROR CNAME one.one.one.one A 203.0.113.10'],
  ['7.0.96.10.in-addr.arpa.', 'PTR', 'NOERROR PTR web.ns.svc.cluster.local'],
  ['10-1-2-3.ns.pod.cluster.local.', 'A', 'NOERROR A 10.1.2.3'],
  ['10-1-2-300.ns.pod.cluster.local.', 'A', 'NXDOMAIN'],
  ['ns.svc.cluster.local.', 'A', 'NOERROR'],
  ['nope.ns.svc.cluster.local.', 'A', 'NXDOMAIN'],
  ['one.one.one.one.', 'A', 'NOERROR A 203.0.113.10'],
  ['one.one.one.one.ns.svc.cluster.local.', 'A', 'NXDOMAIN'],
  ['one.one.one.', 'A', 'forward'],
  ['example.com.', 'A', 'forward'],
  ['__proto__.', 'A', 'forward'],
  ['dns-version.cluster.local.', 'TXT', 'NOERROR TXT 1.1.0'],
];

test('answers of the zone', () => {
  for (const [name, type, expected] of cases) {
    const said = answer(zone, name, type);
    const text =
      said === 'forward'
        ? said
        : [
            said.rcode,
            ...said.answers.map(
              (one) =>
                `${one.type} ${one.type === 'SRV' ? `${one.data.target}:${one.data.port}` : 'data' in one ? String(one.data) : ''}`,
            ),
          ].join(' ');
    assert.equal(text, expected, `${name} ${type}`);
  }
});

test('a zone survives its file, and faults are named', () => {
  const whole = { ...zone, upstreams: ['192.0.2.53', '2001:db8::53'] };
  assert.deepEqual(parseZone(JSON.stringify(whole)), whole);
  assert.deepEqual(parseZone(JSON.stringify(zone)), zone);
  assert.match(String(parseZone(JSON.stringify({ ...zone, upstreams: ['resolver'] }))), /upstreams/);
  const forwarding = { ...zone, upstreams: ['192.0.2.53'] };
  assert.deepEqual(parseZone(JSON.stringify(forwarding)), forwarding);
  assert.match(String(parseZone(JSON.stringify({ ...zone, upstreams: ['one'] }))), /upstreams/);
  assert.match(String(parseZone('{')), /no JSON/);
  assert.match(String(parseZone('{"domain":"x","ttl":1,"records":{"a.":{"a":[1]}}}')), /records\["a\."\]/);
});
