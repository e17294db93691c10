import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { constants as c, native } from '../../sys/index.ts';
import { type Fields, type JsonObject, readMessage } from '../config/fields.ts';
import { readBinding, readConnectionOptions, type UpstreamBinding } from './config/binding.ts';
import { openUpstreamSocket } from './upstream-socket.ts';

const SOL_TCP = 6;
const SO_KEEPALIVE = 9;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;

function bindingOf(fields: Fields): UpstreamBinding | undefined {
  return readBinding(fields, undefined, readConnectionOptions(fields).keepalive);
}

/** Values of the options, each a level and a name, of a socket that the cluster's configuration makes; and where it comes from. */
async function socketOf(
  cluster: JsonObject,
  options: readonly (readonly [number, number])[],
): Promise<{ readonly values: readonly number[]; readonly from: string | undefined }> {
  const binding = readMessage(cluster, '', [], (fields) => bindingOf(fields));
  const server = net.createServer((socket) => socket.resume());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const address = { kind: 'socket', host: '127.0.0.1', port } as const;
  const socket = openUpstreamSocket(address, undefined, binding);
  try {
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
    const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
    return { values: options.map(([level, name]) => optionOf(fd, level, name)), from: socket.localAddress };
  } finally {
    socket.destroy();
    server.close();
  }
}

function optionOf(fd: number, level: number, name: number): number {
  const value = Buffer.alloc(4);
  assert.equal(native.getsockopt(fd, level, name, value, [value.length]), 0);
  return value.readInt32LE();
}

const KEEPALIVE = [
  [c.SOL_SOCKET, SO_KEEPALIVE],
  [SOL_TCP, TCP_KEEPCNT],
  [SOL_TCP, TCP_KEEPIDLE],
  [SOL_TCP, TCP_KEEPINTVL],
] as const;

test('keepalive is switched on with the times that are given', async () => {
  const times = { keepalive_probes: 3, keepalive_time: 10, keepalive_interval: 5 };
  const { values } = await socketOf({ upstream_connection_options: { tcp_keepalive: times } }, KEEPALIVE);
  assert.deepEqual(values, [1, 3, 10, 5]);
});

test('keepalive with a time of 0 is none', async () => {
  const times = { keepalive_probes: 3, keepalive_time: 0 };
  const plain = await socketOf({}, KEEPALIVE);
  const { values } = await socketOf({ upstream_connection_options: { tcp_keepalive: times } }, KEEPALIVE);
  assert.equal(values[0], 0);
  assert.deepEqual(values, plain.values);
});

test('socket options are set before the socket is bound, those of other states are not', async () => {
  const options = [
    { level: SOL_TCP, name: TCP_USER_TIMEOUT, int_value: 4_294_967_299 },
    { level: c.SOL_SOCKET, name: SO_KEEPALIVE, int_value: 1, state: 'STATE_BOUND' },
    { level: c.SOL_IP, name: c.IP_FREEBIND, buf_value: 'AQAAAA==' },
  ];
  const { values, from } = await socketOf(
    { upstream_bind_config: { source_address: { address: '127.0.0.7' }, socket_options: options } },
    [
      [SOL_TCP, TCP_USER_TIMEOUT],
      [c.SOL_SOCKET, SO_KEEPALIVE],
      [c.SOL_IP, c.IP_FREEBIND],
    ],
  );
  assert.deepEqual(values, [3, 0, 1]);
  assert.equal(from, '127.0.0.7');
});

test('freebind sets the option of the IP version of the host', async () => {
  const { values } = await socketOf({ upstream_bind_config: { freebind: true } }, [[c.SOL_IP, c.IP_FREEBIND]]);
  assert.deepEqual(values, [1]);
});

test('a cluster that says nothing has no binding', () => {
  const read = (cluster: JsonObject): unknown => readMessage(cluster, '', [], (fields) => bindingOf(fields));
  assert.equal(read({}), undefined);
  assert.equal(read({ upstream_bind_config: {}, upstream_connection_options: {} }), undefined);
});

test('the source of the client takes the place of the source of the cluster', () => {
  const binding = readMessage(
    { upstream_bind_config: { source_address: { address: '192.0.2.1' } } },
    '',
    [],
    (fields) => bindingOf(fields),
  );
  const address = { kind: 'socket', host: '127.0.0.1', port: 1 } as const;
  assert.throws(() => openUpstreamSocket(address, undefined, binding), /bind\(192\.0\.2\.1:0\)/);
  const error = errorOf(() => openUpstreamSocket(address, { address: '::1', mark: 0 }, binding).destroy());
  // Without CAP_NET_ADMIN the system refuses a transparent socket before it looks at the address.
  assert.match(String(error), /bind\(\[::1\]:0\)|setsockopt/);
});

function errorOf(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
