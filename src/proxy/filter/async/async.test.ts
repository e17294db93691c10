import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { createLogger } from '../../../base/index.ts';
import { startProxy } from '../../index.ts';
import {
  Client,
  HTTP_OPTIONS,
  httpListener,
  type Json,
  once,
  ROUTER,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../../testing/harness.ts';
import { startRaw } from '../../testing/raw-server.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
const TYPE = 'type.googleapis.com/';
const AUTHZ = `${TYPE}envoy.extensions.filters.http.ext_authz.v3.ExtAuthz`;
const toEcho = routes([{ match: { prefix: '/' }, route: { cluster: 'echo' } }]);

const authz = (config: Json): Json => ({
  http_filters: [{ name: 'authz', typed_config: { '@type': AUTHZ, ...config } }, ROUTER],
});
const overGrpc = (timeout: string, more: Json = {}): Json =>
  authz({ grpc_service: { envoy_grpc: { cluster_name: 'auth' }, timeout }, transport_api_version: 'V3', ...more });
const overHttp = (timeout: string): Json =>
  authz({ http_service: { server_uri: { uri: 'http://auth', cluster: 'auth', timeout } } });
const grpcCluster = (ports: readonly number[], more: Json = {}): Json => ({
  ...staticCluster('auth', ports, more),
  typed_extension_protocol_options: {
    [HTTP_OPTIONS]: {
      '@type': `${TYPE}${HTTP_OPTIONS}`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
});

/** A server that answers each check with these bytes, or never. */
async function startAuth(
  answer: Buffer | undefined,
): Promise<{ port: number; checks: number; cancelled: number; server: Server }> {
  const server = new grpc.Server();
  const state = { port: 0, checks: 0, cancelled: 0, server };
  const path = '/envoy.service.auth.v3.Authorization/Check';
  const same = (bytes: Buffer): Buffer => bytes;
  server.addService(
    {
      Check: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      Check: (call: NodeJS.EventEmitter, done: (error: null, bytes: Buffer) => void) => {
        state.checks++;
        call.on('cancelled', () => state.cancelled++);
        if (answer) done(null, answer);
      },
    },
  );
  state.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  return state;
}

test('every worker asks by itself', async () => {
  const echo = await startBackend();
  const auth = await startAuth(Buffer.alloc(0));
  const proxy = await startProxy({
    bootstrap: {
      static_resources: {
        listeners: [httpListener('l', { ...toEcho, ...overGrpc('5s') })],
        clusters: [staticCluster('echo', [echo.port]), grpcCluster([auth.port])],
      },
    },
    log: createLogger('proxy-test'),
    concurrency: 2,
  });
  try {
    const port = Number(/:(\d+)$/.exec(proxy.listenerAddresses('l')[0] ?? '')?.[1]);
    for (let count = 0; count < 30; count++) assert.equal((await once(port, '/')).status, 200);
    assert.equal(auth.checks, 30);
  } finally {
    await proxy.stop(0);
    auth.server.forceShutdown();
    await echo.close();
  }
});

test('calls go to all hosts of the cluster, and no more at a time than it allows', async () => {
  const echo = await startBackend();
  const first = await startAuth(Buffer.alloc(0));
  const second = await startAuth(Buffer.alloc(0));
  const clusters = [staticCluster('echo', [echo.port]), grpcCluster([first.port, second.port])];
  const proxy = await runProxy(httpListener('l', { ...toEcho, ...overGrpc('5s') }), clusters);
  const none = { circuit_breakers: { thresholds: [{ max_requests: 0 }] } };
  const closed = await runProxy(httpListener('l', { ...toEcho, ...overGrpc('5s') }), [
    staticCluster('echo', [echo.port]),
    grpcCluster([first.port], none),
  ]);
  try {
    for (let count = 0; count < 10; count++) assert.equal((await once(proxy.port, '/')).status, 200);
    assert.deepEqual([first.checks, second.checks], [5, 5]);
    assert.equal((await once(closed.port, '/')).status, 403);
    assert.equal(first.checks, 5);
  } finally {
    await Promise.all([proxy.stop(0), closed.stop(0)]);
    first.server.forceShutdown();
    second.server.forceShutdown();
    await echo.close();
  }
});

test('a server that takes connections and says nothing, or anything but gRPC, is a failure', async () => {
  const echo = await startBackend();
  const silent = await startRaw(() => undefined);
  const lying = await startRaw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  try {
    for (const { port } of [silent, lying]) {
      const clusters = [staticCluster('echo', [echo.port]), grpcCluster([port])];
      const proxy = await runProxy(httpListener('l', { ...toEcho, ...overGrpc('0.2s') }), clusters);
      assert.equal((await once(proxy.port, '/')).status, 403);
      await proxy.stop(0);
      const open = overGrpc('0.2s', { failure_mode_allow: true });
      const lenient = await runProxy(httpListener('l', { ...toEcho, ...open }), clusters);
      assert.equal((await once(lenient.port, '/')).status, 200);
      await lenient.stop(0);
    }
  } finally {
    silent.close();
    lying.close();
    await echo.close();
  }
});

test('a client that goes away cancels the call', async () => {
  const auth = await startAuth(undefined);
  const clusters = [staticCluster('echo', []), grpcCluster([auth.port])];
  const proxy = await runProxy(httpListener('l', { ...toEcho, ...overGrpc('0s') }), clusters);
  try {
    const client = new Client(proxy.port);
    client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    for (let wait = 0; wait < 200 && auth.checks === 0; wait++) await sleep(10);
    client.socket.destroy();
    for (let wait = 0; wait < 200 && auth.cancelled === 0; wait++) await sleep(10);
    assert.deepEqual([auth.checks, auth.cancelled], [1, 1]);
  } finally {
    await proxy.stop(0);
    auth.server.forceShutdown();
  }
});

test('an HTTP answer that has no end fails, and its connection goes', async () => {
  const echo = await startBackend();
  const piece = Buffer.alloc(64 * 1024, 120);
  let closed = false;
  const endless = await startRaw((socket) => {
    socket.on('close', () => {
      closed = true;
    });
    socket.write('HTTP/1.1 403 Forbidden\r\n\r\n');
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  const clusters = [staticCluster('echo', [echo.port]), staticCluster('auth', [endless.port])];
  const proxy = await runProxy(httpListener('l', { ...toEcho, ...overHttp('5s') }), clusters);
  try {
    const answer = await once(proxy.port, '/');
    assert.deepEqual([answer.status, answer.body], [403, '']);
    for (let wait = 0; wait < 100 && !closed; wait++) await sleep(10);
    assert.ok(closed);
  } finally {
    await proxy.stop(0);
    endless.close();
    await echo.close();
  }
});
