import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { until } from '../../base/testing/index.ts';
import {
  HTTP_OPTIONS,
  httpListener,
  type Json,
  routes,
  runProxy,
  staticCluster,
  type TestProxy,
} from '../testing/harness.ts';

/** A client and a server of `@grpc/grpc-js` on both sides of the proxy. */

const bytes = (value: Buffer): Buffer => value;
const method = (
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): grpc.MethodDefinition<Buffer, Buffer> => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const METHODS = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  spread: method('Spread', false, true),
  chat: method('Chat', true, true),
};
/** Largest message that either side takes. */
const LARGEST = 32 * 1024 * 1024;
const LIMITS = { 'grpc.max_receive_message_length': LARGEST, 'grpc.max_send_message_length': LARGEST };

let server: grpc.Server;
let proxy: TestProxy;
let client: grpc.Client;
/** What the server's calls came to, by what was sent to them. */
const seen: string[] = [];
let attempts = 0;

function unary(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>): void {
  const asked = call.request.toString('latin1', 0, 40);
  call.on('cancelled', () => seen.push(`${asked} cancelled`));
  if (asked === 'wait') return;
  if (asked === 'later') attempts++;
  if (asked === 'later' && attempts < 3) done({ code: grpc.status.UNAVAILABLE, details: 'not yet' });
  else if (asked === 'fail') {
    const metadata = new grpc.Metadata();
    metadata.set('reason-bin', Buffer.from([0, 1, 255]));
    done({ code: grpc.status.FAILED_PRECONDITION, details: 'nö %', metadata });
  } else {
    const [x] = call.metadata.get('x-ask');
    const head = new grpc.Metadata();
    if (x !== undefined) head.set('x-answer', x);
    call.sendMetadata(head);
    const trailers = new grpc.Metadata();
    trailers.set('x-last-bin', Buffer.from([7]));
    done(null, call.request, trailers);
  }
}

function collect(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>): void {
  const pieces: Buffer[] = [];
  call.on('data', (piece: Buffer) => pieces.push(piece));
  call.on('end', () => done(null, Buffer.concat(pieces)));
}

async function spread(call: grpc.ServerWritableStream<Buffer, Buffer>): Promise<void> {
  const count = Number(call.request.toString());
  const over = new AbortController();
  call.once('cancelled', () => over.abort());
  for (let at = 0; at < count && !call.cancelled; at++)
    if (!call.write(Buffer.alloc(10_000, at))) await once(call, 'drain', over).catch(() => undefined);
  if (call.cancelled) seen.push('spread cancelled');
  else call.end();
}

function chat(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
  call.on('cancelled', () => seen.push('chat cancelled'));
  call.on('error', () => undefined);
  call.on('data', (piece: Buffer) => call.write(piece));
  call.on('end', () => call.end());
}

before(async () => {
  server = new grpc.Server(LIMITS);
  server.addService(METHODS, {
    unary,
    collect,
    spread: (call: Parameters<typeof spread>[0]) => void spread(call),
    chat,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const http2: Json = {
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  const route = {
    cluster: 'c',
    timeout: '0s',
    max_stream_duration: { grpc_timeout_header_max: '0s' },
    retry_policy: { retry_on: 'unavailable', num_retries: 3, retry_back_off: { base_interval: '0.001s' } },
  };
  proxy = await runProxy(httpListener('l', routes([{ match: { prefix: '/', grpc: {} }, route }])), [
    staticCluster('c', [port], http2),
  ]);
  client = new grpc.Client(`127.0.0.1:${proxy.port}`, grpc.credentials.createInsecure(), LIMITS);
});

after(async () => {
  client.close();
  await proxy.stop(0);
  server.forceShutdown();
});

interface Answer {
  readonly error: grpc.ServiceError | null;
  readonly value: Buffer | undefined;
  readonly head: grpc.Metadata | undefined;
  readonly status: grpc.StatusObject;
}

/** A unary call to its end. */
async function ask(
  request: Buffer,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
  cancelAfter?: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    let head: grpc.Metadata | undefined;
    let outcome: Pick<Answer, 'error' | 'value'> | undefined;
    const call = client.makeUnaryRequest(
      METHODS.unary.path,
      bytes,
      bytes,
      request,
      metadata,
      options,
      (error, value) => {
        outcome = { error, value };
      },
    );
    call.on('metadata', (came) => {
      head = came;
    });
    call.on('status', (status) =>
      setImmediate(() => resolve({ error: null, value: undefined, ...outcome, head, status })),
    );
    if (cancelAfter !== undefined) setTimeout(() => call.cancel(), cancelAfter);
  });
}

test('a unary call, with metadata both ways and in trailers', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('x-ask', 'something');
  const { error, value, head, status } = await ask(Buffer.from('hello'), metadata);
  assert.equal(error, null);
  assert.equal(value?.toString(), 'hello');
  assert.deepEqual(head?.get('x-answer'), ['something']);
  assert.deepEqual(status.metadata.get('x-last-bin'), [Buffer.from([7])]);
});

test('a failure has its code, words and metadata', async () => {
  const { error } = await ask(Buffer.from('fail'));
  assert.equal(error?.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(error.details, 'nö %');
  assert.deepEqual(error.metadata.get('reason-bin'), [Buffer.from([0, 1, 255])]);
});

test('a code that the route asks to try again is tried again', async () => {
  attempts = 0;
  const { error } = await ask(Buffer.from('later'));
  assert.equal(error, null);
  assert.equal(attempts, 3);
});

test('a method that is not there is unimplemented', async () => {
  const call = (path: string): Promise<number | undefined> =>
    new Promise((resolve) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.from('x'), (error) => resolve(error?.code));
    });
  assert.equal(await call('/test.Echo/Nothing'), grpc.status.UNIMPLEMENTED);
});

test('messages of many megabytes', async () => {
  const large = Buffer.alloc(20 * 1024 * 1024, 'large');
  const { error, value } = await ask(large);
  assert.equal(error, null);
  assert.ok(value?.equals(large));
});

test('many calls at a time over one connection', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, (_, at) => ask(Buffer.from(`call ${at}`))));
  assert.deepEqual(
    answers.map(({ value }) => value?.toString()),
    Array.from({ length: 300 }, (_, at) => `call ${at}`),
  );
});

test('a stream of the client', async () => {
  const value = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(METHODS.collect.path, bytes, bytes, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
    for (let at = 0; at < 500; at++) call.write(Buffer.alloc(1000, at));
    call.end();
  });
  assert.ok(value?.equals(Buffer.concat(Array.from({ length: 500 }, (_, at) => Buffer.alloc(1000, at)))));
});

test('a stream of the server, which a slow client holds back', async () => {
  const call = client.makeServerStreamRequest(METHODS.spread.path, bytes, bytes, Buffer.from('300'));
  let count = 0;
  for await (const piece of call as AsyncIterable<Buffer>) {
    assert.ok(piece.equals(Buffer.alloc(10_000, count)));
    if (++count % 50 === 0) await sleep(20);
  }
  assert.equal(count, 300);
});

test('a stream of both sides, each message answered as it comes', async () => {
  const call = client.makeBidiStreamRequest(METHODS.chat.path, bytes, bytes);
  for (let at = 0; at < 20; at++) {
    call.write(Buffer.from(`message ${at}`));
    const [answer] = (await once(call, 'data')) as [Buffer];
    assert.equal(answer.toString(), `message ${at}`);
  }
  call.end();
  const [status] = (await once(call, 'status')) as [grpc.StatusObject];
  assert.equal(status.code, grpc.status.OK);
});

test('a deadline ends the call on both sides', async () => {
  seen.length = 0;
  const started = performance.now();
  const { error } = await ask(Buffer.from('wait'), undefined, { deadline: Date.now() + 200 });
  assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
  assert.ok(performance.now() - started < 3000);
  await until(() => seen.includes('wait cancelled'));
});

test('a call that the client cancels is cancelled for the server', async () => {
  seen.length = 0;
  const { error } = await ask(Buffer.from('wait'), undefined, {}, 100);
  assert.equal(error?.code, grpc.status.CANCELLED);
  await until(() => seen.includes('wait cancelled'));
});

test('streams that the client cancels are cancelled for the server', async () => {
  seen.length = 0;
  const spreading = client.makeServerStreamRequest(METHODS.spread.path, bytes, bytes, Buffer.from('1000000'));
  spreading.on('error', () => undefined);
  await once(spreading, 'data');
  spreading.cancel();
  const chatting = client.makeBidiStreamRequest(METHODS.chat.path, bytes, bytes);
  chatting.on('error', () => undefined);
  chatting.write(Buffer.from('hello'));
  await once(chatting, 'data');
  chatting.cancel();
  await until(() => seen.includes('spread cancelled') && seen.includes('chat cancelled'));
});

test('a server that goes away is unavailable', async () => {
  const waiting = ask(Buffer.from('wait'));
  await sleep(100);
  server.forceShutdown();
  const { error } = await waiting;
  assert.equal(error?.code, grpc.status.UNAVAILABLE);
});
