import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createLogger, formatIssue } from '../../base/index.ts';
import { ClusterManager } from '../cluster/manager.ts';
import type { JsonObject } from '../config/fields.ts';
import { FilterStore } from '../discovery/filters.ts';
import { RouteStore } from '../discovery/routes.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { createCalls } from '../filter/async/calls.ts';
import { createModules } from '../filter/module/modules.ts';
import { SharedBuckets } from '../rate-limit/shared.ts';
import { Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';
import {
  Client,
  httpListener,
  type Json,
  once,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../testing/harness.ts';
import { ANY_CONNECTION, type ChainMatch, selectChain } from './chain-match.ts';
import { ProcessDrain } from './drain.ts';
import { ListenerManager } from './manager.ts';

const log = createLogger('listener-test');

function managers(): {
  readonly listeners: ListenerManager;
  readonly filters: FilterStore;
  readonly stores: RouteStore;
} {
  const clusters = new ClusterManager(
    { readFilters: () => undefined, secrets: new SecretStore() },
    new StatsStore(),
    log,
  );
  const stores = new RouteStore(clusters, new Runtime(), new StatsStore());
  const filters = new FilterStore();
  const listeners = new ListenerManager({
    stats: new StatsStore(),
    worker: 0,
    drain: new ProcessDrain({ timeMs: 1000, strategy: 'immediate' }),
    context: {
      clusters,
      calls: createCalls(clusters, '', new Runtime()),
      node: { id: '', cluster: '' },
      runtime: new Runtime(),
      modules: createModules([], log),
      secrets: new SecretStore(),
      ticketSeed: Buffer.alloc(48),
      sharedBuckets: new SharedBuckets(),
      discoverRoutes: (name) => () => stores.get(name),
      discoverFilter: filters.discover,
      readAccessLogs: () => [],
    },
    answered: ({ kind, name }) => (kind === 'route' ? stores : filters).answered(name),
    log,
  });
  return { listeners, filters, stores };
}

const says = (body: string, more: Json = {}): JsonObject =>
  httpListener('l', {
    ...routes([{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: body } } }]),
    ...more,
  }) as JsonObject;

function portOf(listeners: ListenerManager): number {
  return Number(/:(\d+)$/.exec(listeners.all()[0]?.bound[0] ?? '')?.[1]);
}

test('an update keeps the socket: old connections drain, new ones get the new chain', async (context) => {
  // The chance to end a connection grows with the drain time; this is the most likely throw.
  context.mock.method(Math, 'random', () => 0);
  const { listeners } = managers();
  const soon = { drain_timeout: '0.05s', delayed_close_timeout: '0.05s' };
  assert.deepEqual(await listeners.put(says('one', soon)), []);
  const port = portOf(listeners);
  const client = new Client(port);
  assert.equal((await client.get('/')).body, 'one');
  assert.deepEqual(await listeners.put(says('two')), []);
  assert.equal((await once(port, '/')).body, 'two');
  const last = await client.get('/');
  assert.equal(last.body, 'one');
  assert.ok(last.headers.includes('connection: close'));
  await client.rest();
  client.close();
  listeners.remove('l');
  await assert.rejects(once(port, '/'));
  await listeners.stop(0);
});

test('an update that leaves a chain as it was leaves its connections alone', async () => {
  const { listeners } = managers();
  await listeners.put(says('one'));
  const client = new Client(portOf(listeners));
  await client.get('/');
  await listeners.put({ ...says('one'), traffic_direction: 'OUTBOUND' });
  assert.deepEqual((await client.get('/')).headers.includes('connection: close'), false);
  client.close();
  await listeners.stop(0);
});

test('a listener that cannot be bound or read is refused and changes nothing', async () => {
  const taken = await startBackend();
  const { listeners } = managers();
  const address = { socket_address: { address: '127.0.0.1', port_value: taken.port } };
  const bound = await listeners.put({ ...says('x'), address });
  assert.equal(
    bound.map(formatIssue).join(),
    `error adding listener 'l': cannot bind '127.0.0.1:${taken.port}': Address already in use`,
  );
  await listeners.put(says('one'));
  const faults: readonly (readonly [JsonObject, RegExp])[] = [
    [
      { ...says('two'), enable_mptcp: true },
      /enable_mptcp: is known to Envoy but not supported by ciliate-proxy; allowed: .*transparent/,
    ],
    [
      says('two', { http_filters: [] }),
      /http_filters: the last filter in a http filter chain must be of type .*Router/,
    ],
    [
      says('two', {
        http_filters: [{ name: 'lua', typed_config: { '@type': 'a/envoy.extensions.filters.http.lua.v3.Lua' } }],
      }),
      /http\.lua\.v3\.Lua" is not supported by ciliate-proxy here; allowed: .*RBAC/,
    ],
    [{ name: 'l', filter_chains: [] }, /address is necessary/],
  ];
  for (const [json, message] of faults) {
    const result = await listeners.put(json);
    assert.match(result.map(formatIssue).join('; '), message);
  }
  assert.equal((await once(portOf(listeners), '/')).body, 'one');
  await listeners.stop(0);
  await taken.close();
});

test('a listener that waits for a discovered filter serves when it comes; a swap is seen on the same connection', async () => {
  const { listeners, filters } = managers();
  const type = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
  const config = (value: string): JsonObject => ({
    name: 'mutate',
    typed_config: { '@type': type, mutations: { response_mutations: [{ append: { header: { key: 'x', value } } }] } },
  });
  const discovered = { name: 'mutate', config_discovery: { config_source: { ads: {} }, type_urls: [type] } };
  const router = {
    name: 'r',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
  };
  await listeners.put(says('one', { http_filters: [discovered, router] }));
  assert.deepEqual([...listeners.filters().keys()], ['mutate']);
  const port = portOf(listeners);
  await assert.rejects(once(port, '/'));
  assert.deepEqual(listeners.gauges(), { active: 0, warming: 1, draining: 0, chainsDraining: 0, workersStarted: 1 });
  assert.deepEqual(filters.put(config('1')), []);
  await listeners.onDiscovered();
  const client = new Client(port);
  assert.ok((await client.get('/')).headers.includes('x: 1'));
  filters.put(config('2'));
  assert.ok((await client.get('/')).headers.includes('x: 2'));
  client.close();
  await listeners.stop(0);
});

test('filter chain match: the closest stays at each step, without a way back', () => {
  const cidr = (address: bigint, prefix: number) => ({ bits: 32 as const, address, prefix });
  const chain = (name: string, match: Partial<ChainMatch>) => ({ name, match: { ...ANY_CONNECTION, ...match } });
  const client = { address: '10.0.0.1', port: 5 };
  const peers = { remote: client, directRemote: client, local: { address: '10.1.0.1', port: 80 } };
  const net = 0x0a010000n;
  const table: readonly (readonly [readonly ReturnType<typeof chain>[], string | undefined])[] = [
    [[chain('any', {}), chain('port', { port: 80 })], 'port'],
    [[chain('any', {}), chain('port', { port: 81 })], 'any'],
    [[chain('wide', { destinations: [cidr(net, 16)] }), chain('near', { destinations: [cidr(net + 1n, 32)] })], 'near'],
    [[chain('port', { port: 80, sourcePorts: [6] }), chain('any', {})], undefined],
    [[chain('tls', { transport: 'tls' }), chain('any', {})], 'any'],
    [[chain('name', { serverNames: ['a'] })], undefined],
    [[chain('source', { sources: [cidr(0x0a000000n, 8)] }), chain('any', {})], 'source'],
    [
      [chain('external', { sourceType: 'EXTERNAL' }), chain('local', { sourceType: 'SAME_IP_OR_LOOPBACK' })],
      'external',
    ],
  ];
  for (const [chains, expected] of table) assert.equal(selectChain(chains, peers)?.name, expected);
});

test('tcp_proxy joins two connections and passes half closes', async () => {
  const backend = await startBackend((_, socket) => {
    socket.on('end', () => socket.end('bye'));
    return 'hello';
  });
  const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  const weighted = { weighted_clusters: { clusters: [{ name: 'c', weight: 3 }] } };
  const listener = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 't', typed_config: { '@type': type, stat_prefix: 't', ...weighted } }] }],
  };
  const proxy = await runProxy(listener, [staticCluster('c', [backend.port])]);
  const client = new Client(proxy.port);
  client.send('GET / HTTP/1.1\r\n\r\n');
  client.socket.end();
  assert.equal(await client.rest(), 'hellobye');
  await proxy.stop(0);
  await backend.close();
});

test('access log lines and the admin interface', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-log-'));
  const file = path.join(folder, 'access.log');
  const sink = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
  const logs = [
    { name: 'a', typed_config: { '@type': sink, path: file } },
    {
      name: 'b',
      filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 400, runtime_key: 'k' } } } },
      typed_config: {
        '@type': sink,
        path: file,
        log_format: { json_format: { code: '%RESPONSE_CODE%', flags: '%RESPONSE_FLAGS%' } },
      },
    },
  ];
  const backend = await startBackend();
  const list = [{ match: { path: '/a' }, route: { cluster: 'c', prefix_rewrite: '/b' } }];
  const proxy = await runProxy(
    httpListener('l', { ...routes(list), access_log: logs }),
    [staticCluster('c', [backend.port])],
    {
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    },
  );
  try {
    assert.equal((await once(proxy.port, '/a', 'x-request-id: id\r\n')).status, 200);
    assert.equal((await once(proxy.port, '/none')).status, 404);
    const admin = `http://${proxy.adminAddress}`;
    assert.equal(await (await fetch(`${admin}/ready`)).text(), 'LIVE\n');
    assert.match(
      await (await fetch(`${admin}/stats`)).text(),
      /cluster\.c\.upstream_rq_2xx: 1\n[\s\S]*http\.l\.downstream_rq_total: 2\n/,
    );
    assert.match(
      await (await fetch(`${admin}/clusters`)).text(),
      new RegExp(`c::127\\.0\\.0\\.1:${backend.port}::rq_success::1\n`),
    );
    assert.match(await (await fetch(`${admin}/listeners`)).text(), new RegExp(`^l::127\\.0\\.0\\.1:${proxy.port}\n`));
    assert.match(await (await fetch(`${admin}/config_dump`)).text(), /ClustersConfigDump/);
  } finally {
    await proxy.stop(0);
    await backend.close();
  }
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  assert.match(
    lines[0] ?? '',
    /^\[20.*Z\] "GET \/a HTTP\/1\.1" 200 - 0 2 \d+ \d+ "-" "-" "id" "a\.test" "127\.0\.0\.1:\d+"$/,
  );
  assert.match(lines[1] ?? '', /"GET \/none HTTP\/1\.1" 404 NR 0 0 \d+ - /);
  assert.deepEqual(JSON.parse(lines[2] ?? ''), { code: 404, flags: 'NR' });
  await rm(folder, { recursive: true });
});
