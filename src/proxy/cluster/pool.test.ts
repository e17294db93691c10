import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { ClusterManagerStats } from '../server/stats.ts';
import { StatsStore } from '../stats/store.ts';
import { server as hostCertificate } from '../testing/certificates.ts';
import { HTTP_OPTIONS } from '../testing/harness.ts';
import { socketOf } from '../testing/tls.ts';
import { NO_NAMES } from '../tls/upstream.ts';
import { Cluster } from './cluster.ts';
import { readCluster } from './config.ts';
import type { Host } from './host.ts';
import type { PoolClient } from './pool.ts';
import { alone } from './testing.ts';
import { UpstreamConnection } from './upstream-connection.ts';

const silent = (socket: net.Socket): unknown => socket.on('error', () => undefined).resume();

/** A cluster of one host that accepts connections and says nothing, for the time of `play`. */
async function withCluster(
  more: JsonObject,
  play: (cluster: Cluster, host: Host) => Promise<void>,
  server: net.Server = net.createServer(silent),
): Promise<void> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const json: JsonObject = {
    name: 'c',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    ...more,
  };
  const scope = new StatsStore().scope();
  const options = { readFilters: () => undefined, secrets: new SecretStore(), stats: scope };
  const cluster = new Cluster(
    readMessage(json, '', [], (fields) => readCluster(fields, options)),
    {
      scope,
      merging: new ClusterManagerStats(),
      random: Math.random,
      local: undefined,
      localSet: () => undefined,
      neighbours: alone,
    },
  );
  try {
    const [host] = cluster.hosts;
    assert.ok(host);
    await play(cluster, host);
  } finally {
    cluster.drain();
    server.close();
  }
}

/** Asks for a connection; rejects with the reason why there is none. */
function connect(cluster: Cluster, host: Host, id: number): Promise<UpstreamConnection> {
  return new Promise((resolve, reject) => {
    const client: PoolClient = {
      onReady: (exchange) => (exchange instanceof UpstreamConnection ? resolve(exchange) : reject(new Error('HTTP/2'))),
      onPoolFailure: (reason) => reject(new Error(reason)),
    };
    const pool = cluster.pool(host, cluster.resources.DEFAULT, {
      source: undefined,
      client: id,
      raw: false,
      downstream: 'HTTP/1.1',
      names: NO_NAMES,
    });
    if (pool) pool.request(client);
    else reject(new Error('no pool'));
  });
}

const handler = {
  headRequest: false,
  switching: 'none' as const,
  closesHere: false,
  onHead: () => undefined,
  onInterim: () => undefined,
  onTrailers: () => undefined,
  onBody: () => undefined,
  onReadEnd: () => undefined,
  onReset: () => undefined,
  onWritable: () => undefined,
  onTunnel: () => undefined,
};

const ONE_POOL: JsonObject = {
  connection_pool_per_downstream_connection: true,
  circuit_breakers: { thresholds: [{ max_connection_pools: 1 }] },
};

test('connections that nobody uses make room for those of another client', async () => {
  await withCluster(ONE_POOL, async (cluster, host) => {
    const first = await connect(cluster, host, 1);
    first.begin(handler);
    await assert.rejects(connect(cluster, host, 2), /no pool/);
    assert.equal(cluster.stats.cxPoolOverflow, 1);
    first.handler = undefined;
    first.owner.onReleased(first, true);
    const second = await connect(cluster, host, 2);
    assert.equal(first.closed, true);
    second.begin(handler);
    assert.deepEqual([cluster.resources.DEFAULT.pools, host.pools.size], [1, 1]);
    second.destroy();
    assert.deepEqual([cluster.resources.DEFAULT.pools, host.pools.size], [0, 0]);
  });
});

test('a client that is turned away leaves no pool behind', async () => {
  const more = { ...ONE_POOL, circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } };
  await withCluster(more, async (cluster, host) => {
    for (const id of [1, 2, 3]) await assert.rejects(connect(cluster, host, id), /overflow/);
    assert.deepEqual([cluster.resources.DEFAULT.pools, host.pools.size], [0, 0]);
  });
});

test('a host that goes lets connections end that nobody waits for any more', async () => {
  await withCluster({ preconnect_policy: { per_upstream_preconnect_ratio: 3 } }, async (cluster, host) => {
    const connection = await connect(cluster, host, 1);
    connection.begin(handler);
    host.drain();
    assert.equal(cluster.stats.cxActive, 1);
    connection.destroy();
    assert.equal(cluster.stats.cxActive, 0);
  });
});

/** The handshake decides; this host agrees on HTTP/1.1. */
const NEGOTIATING = {
  transport_socket: socketOf('Upstream', {}),
  typed_extension_protocol_options: {
    [HTTP_OPTIONS]: { '@type': `type.googleapis.com/${HTTP_OPTIONS}`, auto_config: {} },
  },
} as JsonObject;
const oldHost = (): tls.Server =>
  tls.createServer(
    { cert: hostCertificate.certificate, key: hostCertificate.key, ALPNProtocols: ['http/1.1'] },
    silent,
  );

test('those that wait for a connection each get one where it turns out that it carries one request at a time', async () => {
  await withCluster(
    NEGOTIATING,
    async (cluster, host) => {
      const connections = await Promise.all(Array.from({ length: 7 }, (_, id) => connect(cluster, host, id)));
      assert.equal(new Set(connections).size, 7);
      assert.deepEqual([cluster.stats.cxHttp1, cluster.stats.cxHttp2, cluster.stats.cxActive], [7, 0, 7]);
      assert.deepEqual([cluster.resources.DEFAULT.pools, host.pools.size], [1, 1]);
      const [first] = connections;
      first?.owner.onReleased(first, true);
      assert.equal(await connect(cluster, host, 8), first);
      for (const connection of connections) connection.destroy();
      assert.deepEqual([cluster.stats.cxActive, cluster.resources.DEFAULT.pending], [0, 0]);
      assert.deepEqual([cluster.resources.DEFAULT.pools, host.pools.size], [0, 0]);
    },
    oldHost(),
  );
});

test('a host that goes during the handshake serves those that wait, and nobody after them', async () => {
  await withCluster(
    NEGOTIATING,
    async (cluster, host) => {
      const waiting = [connect(cluster, host, 1), connect(cluster, host, 2)];
      host.drain();
      const connections = await Promise.all(waiting);
      assert.equal(host.pools.size, 0);
      for (const connection of connections) connection.owner.onReleased(connection, true);
      assert.ok(connections.every(({ closed }) => closed));
      assert.deepEqual([cluster.stats.cxActive, cluster.resources.DEFAULT.pools], [0, 0]);
    },
    oldHost(),
  );
});
