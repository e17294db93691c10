import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import {
  type Flow,
  type GetFlowsRequest,
  type GetFlowsResponse,
  toNumber,
  toTimestamp,
} from '../../model/flow/index.ts';
import { createHubbleClient, HubbleCallError, type HubbleClient } from '../client/client.ts';
import { createObserver, type Observer } from '../observer/observer.ts';
import { type GrpcServing, serveGrpc } from '../server/serve.ts';
import { observerServices } from '../server/services.ts';
import { createRelay } from './relay.ts';

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const cleanups: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

interface Node {
  readonly observer: Observer;
  readonly serving: GrpcServing;
}

async function startNode(nodeName: string, port = 0): Promise<Node> {
  const observer = createObserver({ nodeName, version: 'v1', now });
  const peers = { list: () => [{ name: nodeName, address: '10.0.0.1:4244' }], subscribe: () => () => {} };
  const serving = await serveGrpc(observerServices(observer, peers), { host: '127.0.0.1', port });
  cleanups.push(() => serving.close());
  return { observer, serving };
}

function flow(nodeName: string, index: number): Flow {
  return {
    uuid: String(index),
    time: toTimestamp(BigInt(index) * 1_000_000n),
    node_name: nodeName,
    source: { namespace: nodeName, pod_name: 'p' },
    verdict: 1,
  };
}

async function clientOf(port: number): Promise<HubbleClient> {
  const client = await createHubbleClient({ server: `127.0.0.1:${port}` });
  cleanups.push(() => client.close());
  await client.connect();
  return client;
}

async function collect(client: HubbleClient, request: GetFlowsRequest): Promise<GetFlowsResponse[]> {
  const out: GetFlowsResponse[] = [];
  for await (const response of client.getFlows(request)) out.push(response);
  return out;
}

const uuids = (responses: readonly GetFlowsResponse[]): string =>
  responses.flatMap(({ flow: found }) => (found ? [found.uuid] : [])).join(' ');
const states = (responses: readonly GetFlowsResponse[]): object[] =>
  responses.flatMap(({ node_status: status }) =>
    status ? [{ state: status.state_change, names: status.node_names }] : [],
  );

async function listen(): Promise<net.Server> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return listener;
}

async function startRelay(): Promise<{
  readonly client: HubbleClient;
  readonly nodes: readonly Node[];
  readonly port: number;
}> {
  const nodes = [await startNode('a'), await startNode('b')];
  const addresses = nodes.map(({ serving }) => `127.0.0.1:${serving.port}`);
  const closed = await listen();
  const closedPort = (closed.address() as net.AddressInfo).port;
  closed.close();
  const relay = await createRelay({
    peers: () => [
      { name: 'a', address: addresses[0] ?? '' },
      { name: 'b', address: addresses[1] ?? '' },
      { name: 'gone', address: `127.0.0.1:${closedPort}` },
    ],
    nodeName: 'relay',
    version: 'v2',
    now,
  });
  cleanups.push(() => relay.close());
  const serving = await serveGrpc(relay.services, { host: '127.0.0.1', port: 0 });
  cleanups.push(() => serving.close());
  return { client: await clientOf(serving.port), nodes, port: serving.port };
}

test('a relay merges the nodes in time order', async () => {
  const { client, nodes } = await startRelay();
  for (let index = 0; index < 300; index++) {
    const node = nodes[index % 3 === 0 ? 0 : 1];
    node?.observer.push(flow(index % 3 === 0 ? 'a' : 'b', index));
  }
  const all = await collect(client, {});
  assert.deepEqual(states(all.slice(0, 2)), [
    { state: 1, names: ['a', 'b'] },
    { state: 2, names: ['gone'] },
  ]);
  assert.equal(uuids(all), Array.from({ length: 300 }, (_, index) => index).join(' '));
  assert.equal(uuids(await collect(client, { number: 2 })), '294 297 298 299');

  const status = await client.serverStatus();
  assert.equal(toNumber(status.num_flows), 300);
  assert.equal(toNumber(status.max_flows), 8190);
  assert.deepEqual([status.num_connected_nodes?.value, status.unavailable_nodes], [2, ['gone']]);
  const { nodes: listed = [] } = await client.getNodes();
  assert.deepEqual(
    listed.map(({ name, state }) => [name, state]),
    [
      ['a', 1],
      ['b', 1],
      ['gone', 2],
    ],
  );
  assert.deepEqual(
    (await client.getNamespaces()).namespaces?.map(({ namespace }) => namespace),
    ['a', 'b'],
  );
  assert.equal((await client.checkHealth()).status, 1);

  await assert.rejects(collect(client, { whitelist: [{ protocol: ['x'] }] }), (error) => {
    assert.ok(error instanceof HubbleCallError);
    assert.deepEqual([error.code, error.message], [2, 'invalid protocol filter: unknown protocol: "x"']);
    return true;
  });
});

test('followers get live flows of every node and of nodes that come back', async () => {
  const { client, nodes } = await startRelay();
  nodes[0]?.observer.push(flow('a', 1));
  nodes[1]?.observer.push(flow('b', 2));
  const stream = client.getFlows({ follow: true, number: 1 });
  const iterator = stream[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const { value } = await iterator.next();
      if (value?.flow) return value.flow.uuid;
    }
  };
  assert.deepEqual([await next(), await next()], ['1', '2']);
  nodes[0]?.observer.push(flow('a', 3));
  assert.equal(await next(), '3');

  await nodes[1]?.serving.close();
  const again = await startNode('b', nodes[1]?.serving.port ?? 0);
  again.observer.push(flow('b', 4));
  assert.equal(await next(), '4');
  stream.cancel();
});

test('an agent serves its Observer, its peers and its health', async () => {
  const { serving } = await startNode('solo');
  const client = await clientOf(serving.port);
  await assert.rejects(client.getNodes(), { code: 12, message: 'GetNodes not yet implemented' });
  const peers = client.notifyPeers();
  for await (const change of peers) {
    assert.deepEqual([change.name, change.address, change.type], ['solo', '10.0.0.1:4244', 1]);
    peers.cancel();
  }
  await assert.rejects(collect(client, { first: true, follow: true }), { code: 3 });
  assert.equal((await client.checkHealth()).status, 1);
});
