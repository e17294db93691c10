import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { createLogger, type Issue } from '../../base/index.ts';
import { decodeBinary } from '../../model/envoy/index.ts';
import { readMessage } from '../config/fields.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { createGrpcLogStreams, createGrpcLogs, type GrpcLogConfig } from './grpc.ts';
import { WireWriter } from './wire.ts';

const log = createLogger('grpc-log-test');
log.level = 'silent';
const config: GrpcLogConfig = {
  kind: 'http',
  logName: 'egress:x',
  cluster: 'sink',
  flushInterval: 5,
  bufferBytes: 16_384,
};
/** As many as wait for a sink. */
const mostWaiting = 8192;

interface Sink extends AsyncDisposable {
  readonly target: string;
  /** Entries and, by their own saying, dropped entries of the messages that came; messages that said so. */
  readonly told: { entries: number; dropped: number; tellings: number };
}

async function startSink(): Promise<Sink> {
  // What an agent takes.
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 1024 * 1024 });
  const told = { entries: 0, dropped: 0, tellings: 0 };
  const method = {
    path: '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs',
    requestStream: true,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  server.addService({ StreamAccessLogs: method } as unknown as grpc.ServiceDefinition, {
    StreamAccessLogs: (call: NodeJS.ReadableStream) => {
      call.on('data', (bytes: Buffer) => count(bytes, told));
      call.on('error', () => {});
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { target: `127.0.0.1:${port}`, told, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

function count(bytes: Buffer, told: Sink['told']): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1000) {
      told.dropped += Number(reader.uint64());
      told.tellings++;
    } else if (tag >>> 3 === 2) {
      for (const list = protobuf.Reader.create(reader.bytes()); list.pos < list.len; told.entries++)
        list.skipType(list.uint32() & 7);
    } else reader.skipType(tag & 7);
  }
}

test('entries that a sink has no room for are dropped before they are written, and the sink hears how many', async () => {
  await using sink = await startSink();
  let target: string | undefined;
  const streams = createGrpcLogStreams(
    () => target,
    () => new Uint8Array(),
    log,
  );
  const out = new WireWriter();
  out.string(1, 'an entry'.repeat(50));
  let written = 0;
  const push = (entries: number): void => {
    for (let made = 0; made < entries; made++) {
      if (streams.refuses(config)) continue;
      streams.push(config, out.bytes, out.length, 1);
      written++;
    }
  };
  push(mostWaiting + 1000);
  assert.equal(written, mostWaiting);
  streams.push(config, out.bytes, out.length, 1);
  assert.deepEqual(streams.stats(), { written: 0, dropped: 1001 });
  ({ target } = sink);
  for (let turns = 0; turns < 1000 && sink.told.entries < mostWaiting; turns++) await sleep(10);
  push(1);
  for (let turns = 0; turns < 1000 && sink.told.entries <= mostWaiting; turns++) await sleep(10);
  streams.close();
  assert.deepEqual(sink.told, { entries: mostWaiting + 1, dropped: 1001, tellings: 1 });
});

test('the first message of a stream says what was dropped even if nothing was, the next ones say nothing', async () => {
  await using sink = await startSink();
  const streams = createGrpcLogStreams(
    () => sink.target,
    () => new Uint8Array(),
    log,
  );
  const out = new WireWriter();
  out.string(1, 'an entry');
  for (let entries = 1; entries <= 3; entries++) {
    streams.push(config, out.bytes, out.length, 1);
    for (let turns = 0; turns < 1000 && sink.told.entries < entries; turns++) await sleep(10);
  }
  streams.close();
  assert.deepEqual(sink.told, { entries: 3, dropped: 0, tellings: 1 });
});

test('a sink that takes the connection and reads nothing costs a bounded number of entries', async () => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => void sockets.push(socket.pause()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const streams = createGrpcLogStreams(
    () => `127.0.0.1:${port}`,
    () => new Uint8Array(),
    log,
  );
  const out = new WireWriter();
  out.string(1, 'x'.repeat(400));
  for (let round = 0; round < 30; round++) {
    for (let made = 0; made < 1000; made++)
      if (!streams.refuses(config)) streams.push(config, out.bytes, out.length, 1);
    await sleep(1);
  }
  const { written, dropped } = streams.stats();
  streams.close();
  server.close();
  for (const socket of sockets) socket.destroy();
  assert.ok(dropped >= 30_000 - written - mostWaiting && dropped > 0, `${written} written, ${dropped} dropped`);
  assert.ok(written < 2 * mostWaiting, `${written} entries are with the library`);
});

test('requests that end are written together and in their order, what a request says before its end at once', async () => {
  const statuses: string[] = [];
  const entries = 'envoy.service.accesslog.v3.StreamAccessLogsMessage.HTTPAccessLogEntries';
  const logs = createGrpcLogs({
    refuses: () => false,
    push: (_config, bytes, length) => {
      const [entry] = decodeBinary(entries, bytes.subarray(0, length))['log_entry'] as {
        readonly common_properties: { readonly access_log_type: string };
        readonly response: { readonly response_code: number };
      }[];
      statuses.push(`${entry?.common_properties.access_log_type} ${entry?.response.response_code}`);
    },
  });
  const grpcService = { envoy_grpc: { cluster_name: 'sink' } };
  const json = { common_config: { log_name: 'l', transport_api_version: 'V3', grpc_service: grpcService } };
  const issues: Issue[] = [];
  const write = readMessage(json, 'log', issues, (fields) => logs.read(fields, 'http'));
  assert.deepEqual(issues, []);
  const told = (status: number, accessLogType: StreamInfo['accessLogType']): void => {
    const peer = { address: '10.0.0.1', port: 1 };
    write(Object.assign(new StreamInfo({ remote: peer, directRemote: peer, local: peer }), { status, accessLogType }));
  };
  told(201, 'DownstreamEnd');
  told(202, 'DownstreamEnd');
  told(101, 'DownstreamPeriodic');
  assert.deepEqual(statuses, ['DownstreamPeriodic 101']);
  await Promise.resolve();
  assert.deepEqual(statuses.slice(1), ['DownstreamEnd 201', 'DownstreamEnd 202']);
  told(203, 'DownstreamEnd');
  await Promise.resolve();
  assert.equal(statuses.at(-1), 'DownstreamEnd 203');
});
