import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { type DecodedPacket, decode, encode, type RecordType } from 'dns-packet';
import { createLogger } from '../../base/index.ts';
import type { DnsEvent } from '../../model/flow/index.ts';
import type { DnsPlan } from '../../plan/index.ts';
import { inNetworkNamespace, openStreamSocketIn } from '../../sys/index.ts';
import { frame, readFrames } from '../frames.ts';
import { createDnsProxy, type RejectCode } from '../proxy.ts';

// Runs in the network namespace of a node, with namespaces of its own for two pods; started by kernel.test.ts.

const client = '10.244.1.10';
const server = '10.244.1.11';
const silent = '10.244.1.99';
const port = 15053;
const netns = (name: string): string => `/run/netns/${name}`;

const batch = (namespace: string | undefined, lines: readonly string[]): void => {
  const args = namespace === undefined ? ['-batch', '-'] : ['-n', namespace, '-batch', '-'];
  execFileSync('ip', args, { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'ignore', 'inherit'] });
};

function buildNode(): void {
  batch(undefined, [
    'netns add client',
    'netns add server',
    'link set lo up',
    'addr add 10.244.1.1/32 dev lo',
    'rule add fwmark 0x200/0xf00 lookup 2004 pref 10',
    'route add local 0.0.0.0/0 dev lo table 2004',
    ...['client', 'server'].flatMap((name) => [
      `link add lxc${name} type veth peer name eth0 netns ${name}`,
      `link set lxc${name} up`,
      `route add ${name === 'client' ? client : server}/32 dev lxc${name} scope link src 10.244.1.1`,
    ]),
  ]);
  execFileSync('sh', [
    '-c',
    'cd /proc/sys/net/ipv4; echo 1 >ip_forward; for f in conf/*/rp_filter; do echo 0 >$f; done; for f in conf/*/proxy_arp; do echo 1 >$f; done; echo "61000 65535" >ip_local_port_range',
  ]);
  for (const [name, address] of [
    ['client', client],
    ['server', server],
  ] as const) {
    batch(name, [
      'link set lo up',
      `addr add ${address}/32 dev eth0`,
      'link set eth0 up',
      'route add 10.244.1.1 dev eth0 scope link',
      'route add default via 10.244.1.1 dev eth0',
    ]);
  }
  const rules = `table inet t { chain p { type filter hook prerouting priority -90; policy accept;
    meta l4proto tcp tcp flags & (syn | ack) != syn socket transparent 1 meta mark set 0x200 accept
    meta l4proto udp ct direction reply socket transparent 1 meta mark set 0x200 accept
    iifname "lxcclient" meta l4proto { tcp, udp } th dport 53 tproxy ip to 127.0.0.1:${port} meta mark set 0x200 accept
  }
  }`;
  execFileSync('nft', ['-f', '-'], { input: rules });
}

buildNode();
const directory = mkdtempSync('/tmp/dns-test-');
const zoneFile = path.join(directory, 'zone.json');
const writeZone = (records: object): void => {
  writeFileSync(`${zoneFile}.new`, JSON.stringify({ domain: 'cluster.local', ttl: 30, records }));
  renameSync(`${zoneFile}.new`, zoneFile);
};
writeZone({ 'echo.ns.svc.cluster.local.': { a: ['10.96.0.7'] }, 'one.one.one.one.': { a: ['203.0.113.10'] } });
const clusterDns = spawn(
  'nsenter',
  [`--net=${netns('server')}`, process.execPath, path.join(import.meta.dirname, '..', 'cluster-dns-main.ts')],
  {
    env: { ...process.env, CILIATE_DNS_ZONE: zoneFile },
    stdio: ['ignore', 'inherit', 'pipe'],
  },
);
await once(clusterDns.stderr, 'data');

const events: DnsEvent[] = [];
const learnt: { name: string; addresses: readonly string[]; ttl: number }[] = [];
let learnDelayMs = 0;
let rejectCode: RejectCode = 'refused';
const rule = { endpoint: client, port: 53, rule: 'r1' };
const plan: DnsPlan = {
  proxyPort: port,
  rules: (['tcp', 'udp'] as const).flatMap((protocol) => [
    {
      ...rule,
      protocol,
      peer: 77,
      names: [
        { matchPattern: '*.ns.svc.cluster.local' },
        { matchName: 'one.one.one.one' },
        { matchPattern: '*.later.example' },
      ],
    },
    { ...rule, protocol, peer: 78, names: [{ matchPattern: '*' }] },
  ]),
};
const proxy = createDnsProxy({
  port,
  plan: () => plan,
  identityOf: (address) => (address === server ? 77 : 78),
  onEvent: (event) => events.push(event),
  rejectCode: () => rejectCode,
  maxDelayMs: () => 100,
  onLearnt: async ({ name, addresses, ttlSeconds: ttl }) => {
    learnt.push({ name, addresses, ttl });
    await new Promise((resolve) => setTimeout(resolve, learnDelayMs));
  },
  log: createLogger('dns-test'),
});
const started = await proxy.start();
assert.ok(started.ok, JSON.stringify(started));
after(async () => {
  await proxy.stop();
  clusterDns.kill();
  rmSync(directory, { recursive: true });
});

let nextId = 1;
const query = (name: string, type: RecordType): Buffer =>
  encode({ type: 'query', id: nextId++, flags: 0x100, questions: [{ name, type }] });

/** A socket in the client's pod; Node opens the descriptor when it binds, which must happen inside. */
function clientSocket(): dgram.Socket {
  const socket = dgram.createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  inNetworkNamespace(netns('client'), () => socket.bind(0, '0.0.0.0'));
  return socket;
}

async function askUdp(name: string, type: RecordType = 'A', to = server): Promise<DecodedPacket> {
  const socket = clientSocket();
  const message = query(name, type);
  socket.send(message, 53, to);
  const [reply, from] = (await once(socket, 'message')) as [Buffer, dgram.RemoteInfo];
  socket.close();
  assert.equal(from.address, to);
  assert.equal(from.port, 53);
  return decode(reply);
}

async function askTcp(names: readonly string[]): Promise<DecodedPacket[]> {
  const socket = new net.Socket({ fd: openStreamSocketIn(netns('client')) });
  const replies: DecodedPacket[] = [];
  const all = Promise.withResolvers<void>();
  readFrames(socket, (message) => {
    replies.push(decode(message));
    if (replies.length === names.length) all.resolve();
  });
  socket.connect(53, server);
  for (const name of names) socket.write(frame(query(name, 'A')));
  await all.promise;
  socket.destroy();
  return replies;
}

const rcodeOf = (packet: DecodedPacket): string => String((packet as unknown as { rcode: string }).rcode);
const dataOf = (packet: DecodedPacket): unknown[] =>
  (packet.answers ?? []).map((record) => ('data' in record ? record.data : undefined));

test('an allowed name is answered by the server that was asked, and learnt first', async () => {
  const reply = await askUdp('Echo.ns.svc.cluster.local');
  assert.deepEqual([rcodeOf(reply), dataOf(reply)], ['NOERROR', ['10.96.0.7']]);
  assert.deepEqual(learnt.splice(0), [{ name: 'echo.ns.svc.cluster.local.', addresses: ['10.96.0.7'], ttl: 30 }]);
  const [request, response] = events.splice(0);
  assert.deepEqual(
    [request?.type, request?.denied, request?.query, request?.queryTypes, request?.rules],
    ['request', false, 'echo.ns.svc.cluster.local.', ['A'], ['r1']],
  );
  assert.deepEqual([request?.client.address, request?.server], [client, { address: server, port: 53 }]);
  assert.deepEqual(
    [response?.type, response?.rcode, response?.addresses, response?.ttl, response?.answerTypes],
    ['response', 0, ['10.96.0.7'], 30, ['A']],
  );
});

test('a name that no rule allows is refused and goes nowhere', async () => {
  assert.equal(rcodeOf(await askUdp('evil.example')), 'REFUSED');
  const said = events.splice(0);
  assert.deepEqual(
    said.map(({ type, denied }) => [type, denied]),
    [['request', true]],
  );
});

test('the refusal can be that the name does not exist', async () => {
  rejectCode = 'nameError';
  assert.equal(rcodeOf(await askUdp('evil.example')), 'NXDOMAIN');
  rejectCode = 'refused';
  events.splice(0);
});

test('AAAA of a known name is empty, an unknown name does not exist', async () => {
  const empty = await askUdp('one.one.one.one', 'AAAA');
  assert.deepEqual([rcodeOf(empty), dataOf(empty)], ['NOERROR', []]);
  assert.equal(rcodeOf(await askUdp('nope.ns.svc.cluster.local')), 'NXDOMAIN');
  assert.equal(events.splice(0).at(-1)?.ttl, 4294967295);
});

test('TCP carries several queries on one connection', async () => {
  const replies = await askTcp(['echo.ns.svc.cluster.local', 'evil.example', 'one.one.one.one']);
  assert.deepEqual(replies.map(rcodeOf).sort(), ['NOERROR', 'NOERROR', 'REFUSED']);
  assert.ok(events.splice(0).every(({ transport }) => transport === 'tcp'));
});

test('the answer waits for policy, but not longer than 100 ms', async () => {
  for (const [delay, least, most] of [
    [40, 35, 95],
    [2000, 90, 400],
  ] as const) {
    learnDelayMs = delay;
    const begun = performance.now();
    await askUdp('one.one.one.one');
    const took = performance.now() - begun;
    assert.ok(took >= least && took <= most, `${took} ms`);
  }
  learnDelayMs = 0;
});

test('the zone file’s changes are served', async () => {
  writeZone({ 'x.later.example.': { a: ['192.0.2.1'] } });
  for (let tries = 0; tries < 50; tries++) {
    if (dataOf(await askUdp('x.later.example')).length > 0) return;
  }
  assert.fail('the new name never came');
});

test('many queries at once are all answered', async () => {
  const socket = clientSocket();
  const wanted = 500;
  const window = 50;
  const seen = new Set<number>();
  const all = Promise.withResolvers<void>();
  socket.on('message', (message: Buffer) => {
    seen.add(message.readUInt16BE(0));
    if (seen.size === wanted) all.resolve();
    else if (seen.size + window <= wanted) ask();
  });
  const ask = (): void => socket.send(query('x.later.example', 'A'), 53, server);
  const begun = performance.now();
  for (let count = 0; count < window; count++) ask();
  await all.promise;
  console.log(`# ${wanted} queries in ${(performance.now() - begun).toFixed(0)} ms`);
  socket.close();
});

test('stopping does not wait for a server that does not answer', async () => {
  const socket = clientSocket();
  socket.send(query('anything.example', 'A'), 53, silent);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const begun = performance.now();
  await proxy.stop();
  assert.ok(performance.now() - begun < 500, 'stop is quick');
  socket.close();
});
