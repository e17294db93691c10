import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLogger } from '../../../base/index.ts';
import { ClusterManager } from '../../cluster/manager.ts';
import type { JsonObject } from '../../config/fields.ts';
import { SecretStore } from '../../discovery/secrets.ts';
import { frameMessage } from '../../http/grpc-messages.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { Runtime } from '../../runtime/runtime.ts';
import { StatsStore } from '../../stats/store.ts';
import { HTTP_OPTIONS, staticCluster } from '../../testing/harness.ts';
import { type Calls, createCalls } from './calls.ts';
import { NO_GRPC_SERVICE } from './grpc-service.ts';
import type { GrpcTarget, GrpcUser } from './grpc-stream.ts';

const PEER = { address: '127.0.0.1', port: 1 };
const parent = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });
const target: GrpcTarget = {
  service: { ...NO_GRPC_SERVICE, cluster: 'asked', authority: 'asked.test', marked: false },
  path: '/p.S/M',
  timeout: 0,
  parent,
};

interface Stage {
  readonly calls: Calls;
  close(): void;
}

/** A cluster whose only host answers each call so. */
async function startStage(
  answer: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<Stage> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clusters = new ClusterManager(
    { readFilters: () => undefined, secrets: new SecretStore() },
    new StatsStore(),
    createLogger('grpc-test'),
    {},
  );
  const json = {
    ...staticCluster('asked', [(server.address() as AddressInfo).port]),
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  assert.ok(clusters.put(json as JsonObject).ok);
  return {
    calls: createCalls(clusters, '', new Runtime()),
    close: () => {
      clusters.stop();
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

async function ask(calls: Calls, message = Buffer.from('question')): Promise<number | string> {
  return new Promise((resolve) => {
    calls.grpc({ ...target, message }, (answer) => resolve(answer.ok ? answer.message.toString() : answer.status));
  });
}

const OK = { ':status': 200, 'content-type': 'application/grpc' };

async function statusOf(
  answer: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<number | string> {
  const stage = await startStage(answer);
  try {
    return await ask(stage.calls);
  } finally {
    stage.close();
  }
}

const withTrailers =
  (trailers: Record<string, string>, body: Buffer = Buffer.alloc(0)) =>
  (stream: http2.ServerHttp2Stream): void => {
    stream.respond(OK, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };

test('how a call ends is what its trailers say, or why there are none', async () => {
  assert.equal(await statusOf(withTrailers({ 'grpc-status': '0' }, frameMessage(Buffer.from('answer')))), 'answer');
  assert.equal(await statusOf(withTrailers({ 'grpc-status': '0' })), 13, 'no message');
  assert.equal(await statusOf(withTrailers({ 'grpc-status': '7' })), 7);
  assert.equal(await statusOf(withTrailers({ 'grpc-status': 'x' })), -1);
  assert.equal(await statusOf(withTrailers({ other: '1' })), 2);
  const half = frameMessage(Buffer.from('answer')).subarray(0, 8);
  assert.equal(await statusOf(withTrailers({ 'grpc-status': '0' }, half)), 13, 'half a message');
  const trailersOnly = (stream: http2.ServerHttp2Stream): void =>
    stream.respond({ ...OK, 'grpc-status': '5' }, { endStream: true });
  assert.equal(await statusOf(trailersOnly), 5);
  assert.equal(await statusOf((stream) => stream.respond({ ':status': 503 }, { endStream: true })), 14);
  assert.equal(await statusOf((stream) => stream.respond({ ':status': 404 })), 12);
  assert.equal(await statusOf((stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)), 14);
  const broken = (stream: http2.ServerHttp2Stream): void => {
    stream.respond(OK);
    setTimeout(() => stream.session?.destroy(), 20);
  };
  assert.equal(await statusOf(broken), 13);
  assert.equal(await statusOf(withTrailers({ 'grpc-status': '0' }, Buffer.from([0, 255, 255, 255, 255]))), 8);
});

test('the head says what gRPC wants', async () => {
  let seen: http2.IncomingHttpHeaders = {};
  await statusOf((stream, headers) => {
    seen = headers;
    withTrailers({ 'grpc-status': '0' })(stream);
  });
  const { ':method': method, ':path': path, ':authority': authority, te, 'content-type': type } = seen;
  assert.deepEqual(
    [method, path, authority, te, type],
    ['POST', '/p.S/M', 'asked.test', 'trailers', 'application/grpc'],
  );
});

/** Collects what comes of a stream. */
function listen(onChange: () => void): GrpcUser & { readonly messages: string[]; status: number | undefined } {
  const user = {
    messages: [] as string[],
    status: undefined as number | undefined,
    onMessage: (message: Buffer): void => {
      user.messages.push(message.toString());
      onChange();
    },
    onEnd: (status: number): void => {
      user.status = status;
      onChange();
    },
  };
  return user;
}

test('both sides of a stream speak in turn, and one that is not read does not hold up others', async () => {
  const stage = await startStage((stream, headers) => {
    if (headers['x-quiet']) return;
    stream.respond(OK, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('data', (bytes: Buffer) => stream.write(bytes));
    stream.on('end', () => stream.end());
  });
  try {
    // Far more than a stream's window, to a server that does not read it.
    const quiet = { ...target, service: { ...target.service, metadata: [{ name: 'x-quiet', value: () => '1' }] } };
    const held = stage.calls.stream(
      quiet,
      listen(() => undefined),
    );
    held.send(Buffer.alloc(512 * 1024), false);
    await new Promise<void>((resolve) => {
      const user = listen(() => {
        if (user.status !== undefined) resolve();
        else if (user.messages.length < 3) stream.send(Buffer.from(`m${user.messages.length}`), false);
        else stream.finish();
      });
      const stream = stage.calls.stream(target, user);
      stream.send(Buffer.from('m0'), false);
    });
    held.cancel();
  } finally {
    stage.close();
  }
});

test('a call that is given up is reset, and tells nothing more', async () => {
  let code = -1;
  let begun: () => void = () => undefined;
  let ended: () => void = () => undefined;
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const stage = await startStage((stream) => {
    stream.on('close', () => {
      code = stream.rstCode;
      ended();
    });
    begun();
  });
  try {
    const user = listen(() => assert.fail('nothing is told'));
    const stream = stage.calls.stream(target, user);
    stream.send(Buffer.from('question'), false);
    await beginning;
    stream.cancel();
    await end;
    // The code that Envoy resets requests to hosts with.
    assert.equal(code, http2.constants.NGHTTP2_INTERNAL_ERROR);
  } finally {
    stage.close();
  }
});
