import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { createLogger } from '../base/index.ts';
import { type JsonObject, typeUrl } from '../model/envoy/index.ts';
import type { XdsResources } from '../plan/index.ts';
import {
  createXdsClient,
  createXdsServer,
  type ProtocolForm,
  type ResourceUpdate,
  type XdsClient,
  type XdsServer,
} from './index.ts';
import { emptyResources } from './snapshot.ts';

const log = createLogger('test');
log.level = 'silent';

interface Bench {
  readonly socket: string;
  readonly start: () => Promise<XdsServer>;
  readonly stop: () => void;
}

function bench(t: TestContext, ackTimeoutMs = 2000): Bench {
  const directory = mkdtempSync(path.join(tmpdir(), 'xds-'));
  const socket = path.join(directory, 'xds.sock');
  let running: { readonly grpc: Server; readonly xds: XdsServer } | undefined;
  const stop = (): void => {
    running?.xds.close();
    running?.grpc.forceShutdown();
    running = undefined;
  };
  t.after(() => {
    stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const start = async (): Promise<XdsServer> => {
    const grpc = new Server();
    const xds = createXdsServer({ log, ackTimeoutMs });
    for (const { definition, implementation } of xds.services) grpc.addService(definition, implementation);
    rmSync(socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      grpc.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    running = { grpc, xds };
    return xds;
  };
  return { socket, start, stop };
}

interface Seen {
  readonly typeUrl: string;
  readonly update: ResourceUpdate;
}

/** A data plane as the proxy is one: whole listeners and clusters, routes and endpoints by the names found in them. */
function dataPlane(
  t: TestContext,
  socket: string,
  form: ProtocolForm,
  judge: (seen: Seen) => ReadonlyMap<string, string> = () => new Map(),
): { readonly client: XdsClient; readonly seen: Seen[]; readonly until: (holds: () => boolean) => Promise<void> } {
  const seen: Seen[] = [];
  let wake: () => void = () => undefined;
  const names: Readonly<Record<string, Set<string>>> = {
    [typeUrl.cluster]: new Set<string>(),
    [typeUrl.listener]: new Set<string>(),
  };
  const client: XdsClient = createXdsClient({
    address: `unix:${socket}`,
    node: { id: `node-${form}`, cluster: 'ciliate', metadata: { answer: 42 } },
    form,
    log,
    onUpdate(url, update) {
      seen.push({ typeUrl: url, update });
      const set = names[url];
      if (set) {
        for (const name of update.changed.keys()) set.add(name);
        for (const name of update.removed) set.delete(name);
        const dependent = url === typeUrl.cluster ? typeUrl.endpoint : typeUrl.route;
        client.subscribe(dependent, [...set]);
      }
      const errors = judge({ typeUrl: url, update });
      wake();
      return errors;
    },
    onConnection: () => wake(),
  });
  client.subscribe(typeUrl.cluster);
  client.subscribe(typeUrl.listener);
  t.after(() => client.close());
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { client, seen, until };
}

function cluster(name: string, timeout = '1s'): JsonObject {
  return {
    name,
    type: 'EDS',
    connect_timeout: timeout,
    eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' } },
  };
}

/** A listener with a route table, a cluster and its endpoints, all of one name. */
function resources(names: readonly string[], timeout?: string): XdsResources {
  const map = (make: (name: string) => JsonObject): ReadonlyMap<string, JsonObject> =>
    new Map(names.map((name) => [name, make(name)]));
  return {
    ...emptyResources,
    listeners: map((name) => ({ name, stat_prefix: name })),
    routes: map((name) => ({ name, virtual_hosts: [] })),
    clusters: map((name) => cluster(name, timeout)),
    endpoints: map((name) => ({ cluster_name: name })),
  };
}

const short = (seen: readonly Seen[]): readonly string[] =>
  seen
    .filter(({ update }) => update.changed.size + update.removed.length > 0)
    .map(({ typeUrl: url, update }) => {
      const kind = url.slice(url.lastIndexOf('.') + 1);
      return `${kind} +${[...update.changed.keys()].join()} -${update.removed.join()}`;
    });

for (const form of ['sotw', 'delta'] as const) {
  test(`${form}: a snapshot published before the data plane connects is pending, then arrives in order`, {
    timeout: 20_000,
  }, async (t) => {
    const { socket, start } = bench(t);
    const xds = await start();
    assert.deepEqual(await xds.publish(resources(['a'])), { state: 'pending', rejections: [] });
    const { seen, until } = dataPlane(t, socket, form);
    await until(() => short(seen).length >= 4);
    assert.deepEqual([...short(seen)].sort(), [
      'Cluster +a -',
      'ClusterLoadAssignment +a -',
      'Listener +a -',
      'RouteConfiguration +a -',
    ]);
    assert.ok(short(seen).indexOf('Cluster +a -') < short(seen).indexOf('Listener +a -'));
    assert.deepEqual(xds.connected(), [`node-${form}`]);
    assert.equal((await xds.publish(resources(['a']))).state, 'accepted');
  });

  test(`${form}: a change brings what is new before what refers to it and removes what is stale last`, {
    timeout: 20_000,
  }, async (t) => {
    const { socket, start } = bench(t);
    const xds = await start();
    await xds.publish(emptyResources);
    const { seen, until } = dataPlane(t, socket, form);
    await until(() => seen.length >= 2);
    assert.equal((await xds.publish(resources(['a']))).state, 'accepted');
    assert.deepEqual(
      short(seen),
      ['Cluster +a -', 'ClusterLoadAssignment +a -', 'Listener +a -', 'RouteConfiguration +a -'].toSorted(
        byOrder(short(seen)),
      ),
    );
    seen.length = 0;
    assert.equal((await xds.publish(resources(['b']))).state, 'accepted');
    const order = short(seen);
    assert.equal(order[0], 'Cluster +b -');
    assert.ok(order.indexOf('Listener +b -a') > 0);
    assert.ok(order.indexOf('Cluster + -a') > order.indexOf('Listener +b -a'), order.join(' | '));
    assert.ok(order.includes('RouteConfiguration +b -') && order.includes('ClusterLoadAssignment +b -'));
  });

  test(`${form}: a refused resource is reported with its text and the last good one stays`, {
    timeout: 20_000,
  }, async (t) => {
    const { socket, start } = bench(t);
    const xds = await start();
    await xds.publish(emptyResources);
    const { seen, until } = dataPlane(t, socket, form, ({ typeUrl: url, update }) => {
      const bad = url === typeUrl.cluster && update.changed.get('a')?.['connect_timeout'] === '9s';
      return new Map(bad ? [['a', 'nine is too many']] : []);
    });
    await until(() => seen.length >= 2);
    assert.equal((await xds.publish(resources(['a'], '1s'))).state, 'accepted');
    const refused = { state: 'rejected', rejections: [{ typeUrl: typeUrl.cluster, message: 'a: nine is too many' }] };
    assert.deepEqual(await xds.publish(resources(['a'], '9s')), refused);
    assert.deepEqual(await xds.publish(resources(['a'], '9s')), refused, 'a refusal stands until it is answered');
    seen.length = 0;
    assert.equal((await xds.publish(resources(['a'], '1s'))).state, 'accepted');
    assert.deepEqual(
      short(seen).filter((line) => line.startsWith('Cluster ')),
      [],
      'the last good version was never given up',
    );
    assert.equal((await xds.publish(resources(['a'], '2s'))).state, 'accepted');
  });

  test(`${form}: a new control plane sends everything again and the data plane keeps what it has meanwhile`, {
    timeout: 20_000,
  }, async (t) => {
    const { socket, start, stop } = bench(t);
    await (await start()).publish(resources(['a', 'b']));
    const { seen, until } = dataPlane(t, socket, form);
    await until(() => short(seen).length >= 4);
    stop();
    seen.length = 0;
    const again = await start();
    await again.publish(resources(['b', 'c']));
    await until(
      () =>
        short(seen).some((line) => line.startsWith('RouteConfiguration')) &&
        short(seen).some((line) => line.startsWith('ClusterL')),
    );
    assert.ok(short(seen).includes('Cluster +c -a'), short(seen).join(' | '));
    assert.ok(short(seen).includes('Listener +c -a'));
    assert.equal((await again.publish(resources(['b', 'c']))).state, 'accepted');
  });

  test(`${form}: a name that does not exist is told as missing and arrives when it does`, {
    timeout: 20_000,
  }, async (t) => {
    const { socket, start } = bench(t);
    const xds = await start();
    await xds.publish({ ...resources(['a']), routes: new Map() });
    const { seen, until } = dataPlane(t, socket, form);
    await until(() => seen.some(({ typeUrl: url, update }) => url === typeUrl.route && update.missing().includes('a')));
    assert.equal((await xds.publish(resources(['a']))).state, 'accepted');
    assert.ok(short(seen).includes('RouteConfiguration +a -'));
  });
}

/** Endpoints and listeners travel independently after their clusters; only the pairs are ordered. */
function byOrder(actual: readonly string[]): (a: string, b: string) => number {
  return (a, b) => actual.indexOf(a) - actual.indexOf(b);
}

test('a control plane that starts again says nothing before it has something to say', {
  timeout: 20_000,
}, async (t) => {
  const { socket, start, stop } = bench(t);
  await (await start()).publish(resources(['a']));
  const { seen, until } = dataPlane(t, socket, 'sotw');
  await until(() => short(seen).length >= 4);
  stop();
  seen.length = 0;
  const again = await start();
  while (again.connected().length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await again.publish(resources(['a']))).state, 'accepted');
  assert.deepEqual(short(seen), [], 'nothing was removed and nothing changed');
});

test('a data plane that never answers makes publish time out', { timeout: 20_000 }, async (t) => {
  const { socket, start } = bench(t, 100);
  const xds = await start();
  const client = createXdsClient({
    address: `unix:${socket}`,
    node: { id: 'silent', cluster: 'ciliate' },
    form: 'sotw',
    log,
    onUpdate: () => new Promise(() => undefined),
  });
  client.subscribe(typeUrl.cluster);
  t.after(() => client.close());
  let outcome = await xds.publish(resources(['a']));
  while (outcome.state === 'pending') {
    await new Promise((resolve) => setImmediate(resolve));
    outcome = await xds.publish(resources(['a']));
  }
  assert.equal(outcome.state, 'timeout');
});

test('a filter that was refused stays so when Envoy is silent about it the second time', {
  timeout: 20_000,
}, async (t) => {
  const { socket, start } = bench(t);
  const xds = await start();
  const filter = (name: string, type: string): readonly [string, JsonObject] => [
    name,
    { name, typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.http.${type}` } },
  ];
  const filters = (type: string): XdsResources => ({
    ...resources(['a']),
    extensionConfigs: new Map([filter('f', type), filter('g', 'router.v3.Router')]),
  });
  let refusals = 0;
  const once = ({ typeUrl: url }: Seen) => {
    if (url !== typeUrl.extensionConfig || refusals++ > 0) return new Map<string, string>();
    return new Map([['f', 'too long']]);
  };
  await xds.publish(filters('rbac.v3.RBAC'));
  const { client, until } = dataPlane(t, socket, 'sotw', once);
  client.subscribe(typeUrl.extensionConfig, ['f']);
  await until(() => refusals === 1);
  // The refusal is on its way before more is asked for.
  await new Promise((resolve) => setTimeout(resolve, 30));
  client.subscribe(typeUrl.extensionConfig, ['f', 'g']);
  await until(() => refusals === 2);
  const { state, rejections } = await xds.publish(filters('rbac.v3.RBAC'));
  assert.equal(state, 'rejected');
  assert.match(rejections[0]?.message ?? '', /too long/);
  assert.equal((await xds.publish(filters('cors.v3.Cors'))).state, 'accepted');
});

test('a resource that is no valid message is rejected before anyone sees it', async (t) => {
  const xds = await bench(t).start();
  const bad: XdsResources = { ...emptyResources, clusters: new Map([['a', { name: 'a', conect_timeout: '1s' }]]) };
  const outcome = await xds.publish(bad);
  assert.equal(outcome.state, 'rejected');
  assert.match(
    outcome.rejections[0]?.message ?? '',
    /conect_timeout: unknown field of envoy.config.cluster.v3.Cluster; allowed: connect_timeout/,
  );
});
