import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { test } from 'node:test';
import { createResolver, type DnsFamily } from './resolver.ts';
import { applySearch, parseHosts, parseSearch } from './system.ts';

interface Zone {
  readonly 1?: readonly string[];
  readonly 28?: readonly string[];
}

/** Answers A and AAAA queries with the zone's addresses, the time to live 7; NXDOMAIN for names without a zone. */
async function startServer(
  zones: ReadonlyMap<string, Zone>,
): Promise<{ address: string; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const socket = dgram.createSocket('udp4', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + size));
      at += 1 + size;
    }
    const type = query.readUInt16BE(at + 1);
    const name = labels.join('.');
    asked.push(`${name} ${type}`);
    const zone = zones.get(name);
    const found = zone?.[type as 1 | 28] ?? [];
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(zone ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    const records = found.map((address) => {
      const data = type === 1 ? Buffer.from(address.split('.').map(Number)) : v6(address);
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt32BE(7, 6);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...records]), from.port, from.address);
  });
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() };
}

/** `::N` alone. */
function v6(address: string): Buffer {
  const data = Buffer.alloc(16);
  data.writeUInt8(Number(address.slice(2)), 15);
  return data;
}

test('addresses by family', async (t) => {
  const server = await startServer(
    new Map<string, Zone>([
      ['both.test', { 1: ['10.0.0.1', '10.0.0.2'], 28: ['::5'] }],
      ['four.test', { 1: ['10.0.0.3'] }],
      ['none.test', {}],
    ]),
  );
  t.after(() => server.close());
  const { resolve } = createResolver({ kind: 'cares', servers: [server.address], search: false });
  const table: readonly (readonly [string, DnsFamily, readonly string[], number])[] = [
    ['both.test', 'V4_ONLY', ['10.0.0.1', '10.0.0.2'], 7000],
    ['both.test', 'V6_ONLY', ['::5'], 7000],
    ['both.test', 'AUTO', ['::5'], 7000],
    ['both.test', 'V4_PREFERRED', ['10.0.0.1', '10.0.0.2'], 7000],
    ['both.test', 'ALL', ['::5', '10.0.0.1', '10.0.0.2'], 7000],
    ['four.test', 'AUTO', ['10.0.0.3'], 7000],
    ['four.test', 'V6_ONLY', [], 0],
    ['four.test', 'ALL', ['10.0.0.3'], 7000],
    ['none.test', 'AUTO', [], 0],
    ['missing.test', 'V4_ONLY', [], 0],
    ['10.1.2.3', 'V4_ONLY', ['10.1.2.3'], 0],
    ['10.1.2.3', 'AUTO', ['10.1.2.3'], 0],
    ['10.1.2.3', 'V6_ONLY', [], 0],
    ['localhost', 'V4_ONLY', ['127.0.0.1'], 0],
    ['x.localhost', 'V6_ONLY', ['::1'], 0],
  ];
  for (const [name, family, addresses, ttl] of table) {
    const found = await resolve(name, family);
    assert.deepEqual([[...found.addresses].sort(), found.ttl], [[...addresses].sort(), ttl], `${name} ${family}`);
  }
  assert.ok(!server.asked.some((name) => name.includes('localhost') || name.startsWith('10.')));
});

test('getaddrinfo', async () => {
  const { resolve } = createResolver({ kind: 'getaddrinfo' });
  assert.deepEqual(await resolve('127.0.0.1', 'V4_ONLY'), { addresses: ['127.0.0.1'], ttl: 60_000 });
});

test('a server that does not answer is no answer', async () => {
  const { resolve } = createResolver({ kind: 'cares', servers: ['127.0.0.1:1'], search: false });
  await assert.rejects(resolve('a.test', 'AUTO'));
});

test('hosts file', () => {
  const found = parseHosts('127.0.0.1 localhost # here\n::1\tLocalhost ip6\n\n# 10.0.0.1 x\n 10.0.0.2   a b\n');
  assert.deepEqual(Object.fromEntries(found), {
    localhost: ['127.0.0.1', '::1'],
    ip6: ['::1'],
    a: ['10.0.0.2'],
    b: ['10.0.0.2'],
  });
});

test('search domains', () => {
  const rules = parseSearch('nameserver 10.0.0.1\nsearch ns.svc svc ; more\noptions timeout:1 ndots:2\n');
  assert.deepEqual(rules, { domains: ['ns.svc', 'svc'], dots: 2 });
  assert.deepEqual(applySearch('a.b', rules), ['a.b.ns.svc', 'a.b.svc', 'a.b']);
  assert.deepEqual(applySearch('a.b.c', rules), ['a.b.c', 'a.b.c.ns.svc', 'a.b.c.svc']);
  assert.deepEqual(applySearch('a.', rules), ['a.']);
  assert.deepEqual(parseSearch(''), { domains: [], dots: 1 });
});

test('cancelled look-ups end at once, with all that they would have asked yet', async () => {
  const silent = dgram.createSocket('udp4');
  await new Promise<void>((done) => silent.bind(0, '127.0.0.1', done));
  const { resolve, cancel } = createResolver({
    kind: 'cares',
    servers: [`127.0.0.1:${silent.address().port}`],
    search: false,
  });
  const under = resolve('a.test', 'AUTO');
  setTimeout(cancel, 20);
  await assert.rejects(under);
  await assert.rejects(resolve('b.test', 'ALL'));
  silent.close();
});
