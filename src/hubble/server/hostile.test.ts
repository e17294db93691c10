import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import grpc, { type Client, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { until } from '../../base/testing/index.ts';
import {
  type Flow,
  type GetFlowsRequest,
  type GetFlowsResponse,
  type HubbleService,
  serviceDefinition,
  toNumber,
  toTimestamp,
} from '../../model/flow/index.ts';
import { createObserver } from '../observer/observer.ts';
import { serveGrpc } from './serve.ts';
import { observerServices } from './services.ts';

const capacity = 255;
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const observer = createObserver({ nodeName: 'n', version: 'v1', now, capacity });
const peers = { list: () => [], subscribe: () => () => {} };
const serving = await serveGrpc(observerServices(observer, peers), { host: '127.0.0.1', port: 0 });
const closing: (() => void)[] = [];
after(async () => {
  for (const close of closing) close();
  await serving.close();
});

type Caller = Client & Record<string, (request: object) => ClientReadableStream<GetFlowsResponse>>;

function connect(port = serving.port, service: HubbleService = 'observer.Observer'): Caller {
  const Constructor = grpc.makeClientConstructor(serviceDefinition(service), service);
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new Constructor(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  closing.push(() => client.close());
  return client as unknown as Caller;
}

function call(client: Caller, request: GetFlowsRequest, method = 'GetFlows'): ClientReadableStream<GetFlowsResponse> {
  const made = client[method]?.(request);
  assert.ok(made);
  return made;
}

/** Bulky, so that the buffers between server and client fill up. */
const flow = (index: number): Flow => ({
  uuid: String(index),
  time: toTimestamp(now()),
  node_name: 'n',
  Summary: 'x'.repeat(4000),
});

/** How a call ended: the code and text of its status. */
function ended(stream: ClientReadableStream<GetFlowsResponse>): Promise<readonly [number, string]> {
  return new Promise((resolve) => {
    stream.on('data', () => {});
    stream.on('error', ({ code, details }: ServiceError) => resolve([code, details]));
    stream.on('end', () => resolve([0, '']));
  });
}

test('a follower that does not read loses flows and is told how many; another one loses none', {
  timeout: 60_000,
}, async () => {
  const [idle, reading] = [call(connect(), { follow: true }), call(connect(), { follow: true })];
  let seen = 0;
  reading.on('data', () => seen++);
  const got: GetFlowsResponse[] = [];
  idle.on('data', (response: GetFlowsResponse) => got.push(response));
  observer.push(flow(-1));
  await until(() => {
    if (seen > 0 && got.length > 0) return true;
    observer.push(flow(-1));
    return false;
  });
  idle.pause();
  const [idleBefore, readingBefore] = [got.length, seen];
  const count = 6000;
  for (let index = 0; index < count; index++) {
    observer.push(flow(index));
    if (index % 100 === 99) await until(() => seen - readingBefore >= index - 100);
  }
  await until(() => seen - readingBefore >= count);
  const held = got.length - idleBefore;
  assert.ok(held < 64, `the idle follower was handed ${held} flows`);
  idle.resume();
  const flows = (): GetFlowsResponse[] => got.filter((response) => response.flow?.uuid !== '-1' && response.flow);
  await until(() => flows().at(-1)?.flow?.uuid === String(count - 1));
  const lost = got.reduce((sum, { lost_events: event }) => sum + toNumber(event?.num_events_lost), 0);
  assert.ok(lost > 0);
  assert.ok(flows().length < count);
  const order = flows().map(({ flow: one }) => Number(one?.uuid));
  assert.deepEqual(
    order,
    [...new Set(order)].sort((a, b) => a - b),
  );
  // Flows of the beginning that came after the pause are in neither count.
  assert.ok(flows().length + lost >= count);
  idle.cancel();
  reading.cancel();
  await Promise.all([ended(idle), ended(reading)]);
});

/** Leads to the server from another address of this machine. */
async function from(localAddress: string): Promise<number> {
  const forwarder = net.createServer((socket) => {
    const onward = net.connect({ port: serving.port, host: '127.0.0.1', localAddress });
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    onward.on('close', () => socket.destroy());
  });
  await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve));
  closing.push(() => forwarder.close());
  return (forwarder.address() as net.AddressInfo).port;
}

test('the streams of an address and of a connection are bounded, others have places, and a place that is left is free again', {
  timeout: 60_000,
}, async () => {
  const hog = connect();
  const endings: Promise<readonly [number, string]>[] = [];
  const follow = (client: Caller): ClientReadableStream<GetFlowsResponse> => {
    const stream = call(client, { follow: true });
    endings.push(ended(stream));
    return stream;
  };
  const streams = Array.from({ length: 512 }, () => follow(hog));
  const own = [8, 'more than 512 streams of one connection at a time'];
  assert.deepEqual(await ended(call(hog, { follow: true })), own);
  const other = connect();
  assert.deepEqual(await ended(call(other, { number: 1 })), [0, '']);
  streams.push(...Array.from({ length: 512 }, () => follow(other)));
  const third = connect();
  const full = [8, 'more than a share of 2048 streams at a time'];
  let last: readonly [number, string] = [0, ''];
  while (last[0] === 0) last = await ended(call(third, { number: 1 }));
  assert.deepEqual(last, full);
  for (const [service, method] of [
    ['peer.Peer', 'Notify'],
    ['grpc.health.v1.Health', 'Watch'],
  ] as const) {
    const client = connect(serving.port, service);
    assert.deepEqual(await ended(call(client, {}, method)), full, method);
  }
  const stranger = connect(await from('127.0.0.2'));
  const theirs = Array.from({ length: 100 }, () => follow(stranger));
  assert.deepEqual(await ended(call(stranger, { number: 1 })), [0, '']);
  for (const stream of [...streams, ...theirs]) stream.cancel();
  await Promise.all(endings);
  while (last[0] === 8) last = await ended(call(third, { number: 1 }));
  assert.deepEqual(last, [0, '']);
});

test('every kind of stream gives its place back', { timeout: 60_000 }, async () => {
  const kinds = [
    ['peer.Peer', 'Notify'],
    ['grpc.health.v1.Health', 'Watch'],
    ['observer.Observer', 'GetDebugEvents'],
  ] as const;
  for (const [service, method] of kinds) {
    for (let round = 0; round < 3; round++) {
      // nghttp2 ends a connection whose client resets a thousand streams at once.
      const client = connect(serving.port, service);
      const streams = Array.from({ length: 512 }, () => call(client, { follow: true }, method));
      const endings = streams.map(ended);
      assert.equal((await ended(call(client, { follow: true }, method)))[0], 8);
      for (const stream of streams) stream.cancel();
      assert.deepEqual([...new Set((await Promise.all(endings)).map(([code]) => code))], [1], method);
    }
  }
});

/** Whether a connection is served shows by the settings that HTTP/2 servers send first; it stays open. */
function isServed(port: number, localAddress: string, sockets: net.Socket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.on('error', () => resolve(false));
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

test('an address that opens connections without end leaves some to others', { timeout: 60_000 }, async () => {
  const sockets: net.Socket[] = [];
  let refused = 0;
  const served = (localAddress: string): Promise<boolean> => isServed(serving.port, localAddress, sockets);
  while (refused === 0) {
    const opened = await Promise.all(Array.from({ length: 64 }, () => served('127.0.0.3')));
    refused += opened.filter((one) => !one).length;
    assert.ok(sockets.length <= 1024);
  }
  assert.ok(await served('127.0.0.4'));
  for (const socket of sockets) socket.destroy();
  let again = false;
  while (!again) again = await served('127.0.0.3');
  for (const socket of sockets) socket.destroy();
});

test('addresses that open all connections together leave some to Relay', { timeout: 60_000 }, async () => {
  const relay = '127.0.0.9';
  const guarded = await serveGrpc(
    observerServices(observer, peers, relay),
    { host: '127.0.0.1', port: 0 },
    undefined,
    relay,
  );
  const sockets: net.Socket[] = [];
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let host = 1, got = 1; got > 0; host++) {
    got = 0;
    while (await isServed(guarded.port, `127.0.1.${host}`, sockets)) got++;
  }
  for (let count = 0; count < 16; count++) assert.ok(await isServed(guarded.port, relay, sockets));
  assert.ok(!(await isServed(guarded.port, relay, sockets)));
  await guarded.close();
});

test('what is too large or wrong is refused with its reason', async () => {
  const client = connect();
  const cases: readonly [GetFlowsRequest, number, RegExp][] = [
    [{ whitelist: Array.from({ length: 1001 }, () => ({})) }, 2, /^1001 filters, at most 1000 are accepted$/],
    [{ whitelist: [{ dns_query: ['a'.repeat(5000)] }] }, 2, /pattern is longer than 4096 characters$/],
    [{ blacklist: [{ http_url: ['(?=a)'] }] }, 2, /^invalid http url filter: \(\?=a\): error parsing regexp/],
    [{ whitelist: [{ uuid: ['x'.repeat(2 * 1024 * 1024)] }] }, 8, /larger than max/],
    [{ field_mask: { paths: ['nope'] } }, 2, /^invalid fieldmask: invalid path "nope" for message "flow.Flow"$/],
    [{ first: true, follow: true }, 3, /^first cannot be specified with follow$/],
  ];
  for (const [request, code, text] of cases) {
    const [found, details] = await ended(call(client, request));
    assert.equal(found, code, details);
    assert.match(details, text);
  }
});

test('debug events are served, and there are none', async () => {
  const client = connect();
  assert.deepEqual(await ended(call(client, {}, 'GetDebugEvents')), [0, '']);
  assert.deepEqual(await ended(call(client, { first: true, follow: true }, 'GetDebugEvents')), [
    3,
    'first cannot be specified with follow',
  ]);
});
