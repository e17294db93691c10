import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { encodeResource } from '../../../model/envoy/index.ts';
import { frameMessage } from '../../http/grpc-messages.ts';
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
import { decodeResponse } from './wire.ts';

const TYPE = 'type.googleapis.com/';
const RESPONSE = 'envoy.service.ext_proc.v3.ProcessingResponse';
const message = (json: Json): Buffer => frameMessage(Buffer.from(encodeResource(RESPONSE, json as never)));
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Stage {
  readonly port: number;
  /** Of requests that reached the upstream. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

/** A proxy whose filter asks a server that does so with each stream. */
async function startStage(answer: (stream: http2.ServerHttp2Stream) => void, config: Json = {}): Promise<Stage> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const echo = await startBackend();
  const asked = {
    ...staticCluster('asked', [(server.address() as AddressInfo).port]),
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { '@type': `${TYPE}${HTTP_OPTIONS}`, explicit_http_config: { http2_protocol_options: {} } },
    },
  };
  const filter = {
    name: 'proc',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor`,
      grpc_service: { envoy_grpc: { cluster_name: 'asked' } },
      message_timeout: '0.2s',
      ...config,
    },
  };
  const listener = httpListener('l', {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'echo' } }]),
    http_filters: [filter, ROUTER],
  });
  const proxy = await runProxy(listener, [staticCluster('echo', [echo.port]), asked]);
  return {
    port: proxy.port,
    heads: echo.heads,
    close: async () => {
      await proxy.stop(0);
      for (const session of sessions) session.destroy();
      server.close();
      await echo.close();
    },
  };
}

const OK = { ':status': 200, 'content-type': 'application/grpc' };

test('a server that lies or says nothing of use fails the request as configured, and none hangs', async () => {
  const servers: readonly ((stream: http2.ServerHttp2Stream) => void)[] = [
    () => undefined,
    (stream) => stream.respond(OK),
    (stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    (stream) => {
      stream.respond(OK);
      stream.write(Buffer.from([0, 255, 255, 255, 255]));
    },
    (stream) => {
      stream.respond(OK);
      stream.write(frameMessage(Buffer.from([0x0a, 0xff, 0x01])));
    },
    (stream) => {
      stream.respond(OK);
      // More time, again and again: only the first counts.
      const more = setInterval(() => stream.write(message({ override_message_timeout: '0.1s' })), 20);
      stream.on('close', () => clearInterval(more));
    },
  ];
  for (const answer of servers) {
    const stage = await startStage(answer, { max_message_timeout: '1s' });
    const lenient = await startStage(answer, { max_message_timeout: '1s', failure_mode_allow: true });
    try {
      assert.ok((await once(stage.port, '/')).status >= 500);
      assert.equal((await once(lenient.port, '/')).status, 200);
    } finally {
      await Promise.all([stage.close(), lenient.close()]);
    }
  }
});

test('a length that a server claims never frames a body that is another', async () => {
  const claim = {
    request_headers: {
      response: {
        header_mutation: { set_headers: [{ header: { key: 'content-length', raw_value: base64('2') } }] },
      },
    },
  };
  const stage = await startStage(
    (stream) => {
      stream.respond(OK, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(message(claim));
    },
    { processing_mode: { request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } },
  );
  try {
    const client = new Client(stage.port);
    client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello');
    const answer = await client.read();
    assert.equal(answer.status, 200);
    assert.match(stage.heads[0] ?? '', /\r\ncontent-length: 5\r\n/);
    client.socket.destroy();
  } finally {
    await stage.close();
  }
});

test('a piece that a server does not answer ends the request in time', async () => {
  let client: Client | undefined;
  const stage = await startStage(
    (stream) => {
      stream.respond(OK);
      // The second piece is sent when the first is there, and the first is answered when the second is.
      const steps = [
        () => stream.write(message({ request_headers: {} })),
        () => client?.send('3\r\ndef\r\n0\r\n\r\n'),
        () => stream.write(message({ request_body: {} })),
      ];
      let held = Buffer.alloc(0);
      stream.on('data', (bytes: Buffer) => {
        held = Buffer.concat([held, bytes]);
        for (
          ;
          held.length >= 5 && held.length >= 5 + held.readUInt32BE(1);
          held = held.subarray(5 + held.readUInt32BE(1))
        )
          steps.shift()?.();
      });
    },
    { processing_mode: { request_body_mode: 'STREAMED', response_header_mode: 'SKIP' } },
  );
  try {
    client = new Client(stage.port);
    client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
    const answer = await client.read();
    assert.equal(answer.status, 504);
    client.socket.destroy();
  } finally {
    await stage.close();
  }
});

test('bytes that are no message are told from those that are', () => {
  assert.equal(decodeResponse(Buffer.from([0x0a, 0xff, 0x01])), undefined);
  assert.equal(decodeResponse(Buffer.alloc(0))?.response, undefined);
});
