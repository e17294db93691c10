import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT_CONTEXT, type SpanContext, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  HTTP_OPTIONS,
  httpListener,
  type Json,
  once,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../../src/proxy/testing/harness.ts';
import { decodeSpans, type ReceivedSpan } from './decode.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
const TYPE = 'type.googleapis.com/';

/** A collector that takes OTLP over HTTP and over gRPC. */
async function startCollector() {
  const spans: ReceivedSpan[] = [];
  const web = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...decodeSpans(Buffer.concat(pieces)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const rpc = new grpc.Server();
  const same = (bytes: Buffer): Buffer => bytes;
  rpc.addService(
    {
      Export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      Export: ({ request }: { request: Buffer }, done: (error: null, bytes: Buffer) => void) => {
        spans.push(...decodeSpans(request));
        done(null, Buffer.alloc(0));
      },
    },
  );
  const rpcPort = await new Promise<number>((resolve, reject) =>
    rpc.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  return {
    spans,
    webPort: (web.address() as AddressInfo).port,
    rpcPort,
    close: () => {
      rpc.forceShutdown();
      web.closeAllConnections();
      web.close();
    },
  };
}

/** A program that tells the collector of its spans by OpenTelemetry's own libraries. */
function program(name: string, port: number): { readonly tracer: Tracer; readonly provider: BasicTracerProvider } {
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces` });
  const resource = resourceFromAttributes({ 'service.name': name });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return { provider, tracer: provider.getTracer('test') };
}

function parentOf(head: string): SpanContext {
  const [, traceId = '', spanId = ''] = /\r\ntraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-01\r\n/.exec(head) ?? [];
  return { traceId, spanId, traceFlags: 1, isRemote: true };
}

const collectorCluster = (port: number): Json => ({
  ...staticCluster('collector', [port]),
  typed_extension_protocol_options: {
    [HTTP_OPTIONS]: {
      '@type': `${TYPE}${HTTP_OPTIONS}`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
});
const overGrpc = { grpc_service: { envoy_grpc: { cluster_name: 'collector' }, timeout: '1s' } };
const overHttp = {
  http_service: { http_uri: { uri: 'http://collector/v1/traces', cluster: 'collector', timeout: '1s' } },
};
const SOON = {
  layered_runtime: { layers: [{ name: 's', static_layer: { 'tracing.opentelemetry.flush_interval_ms': 20 } }] },
};

function tracedListener(name: string, exporter: Json): Json {
  const config = { '@type': `${TYPE}envoy.config.trace.v3.OpenTelemetryConfig`, service_name: name, ...exporter };
  return httpListener('l', {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'next' } }]),
    tracing: { provider: { name: 'otel', typed_config: config }, spawn_upstream_span: true },
  });
}

test('spans of a client, two proxies and a server form one trace, told over gRPC and HTTP', async () => {
  const collector = await startCollector();
  const server = program('server', collector.webPort);
  const client = program('client', collector.webPort);
  const backend = await startBackend((head) => {
    const parent = trace.setSpanContext(ROOT_CONTEXT, parentOf(head));
    server.tracer.startSpan('serve', { kind: SpanKind.SERVER }, parent).end();
    return 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
  });
  const second = await runProxy(
    tracedListener('second', overHttp),
    [staticCluster('next', [backend.port]), staticCluster('collector', [collector.webPort])],
    SOON,
  );
  const first = await runProxy(
    tracedListener('first', overGrpc),
    [staticCluster('next', [second.port]), collectorCluster(collector.rpcPort)],
    SOON,
  );
  try {
    const asking = client.tracer.startSpan('ask', { kind: SpanKind.CLIENT });
    const { traceId, spanId } = asking.spanContext();
    const answer = await once(first.port, '/shop', `traceparent: 00-${traceId}-${spanId}-01\r\n`);
    asking.end();
    assert.equal(answer.status, 200);
    await Promise.all([client.provider.forceFlush(), server.provider.forceFlush()]);
    for (let tries = 0; collector.spans.length < 6 && tries < 100; tries++) await sleep(20);
    const way: string[] = [];
    for (let parent = ''; ; ) {
      const next = collector.spans.find(({ parentSpanId }) => parentSpanId === parent);
      if (!next) break;
      assert.equal(next.traceId, traceId);
      way.push(`${next.resource['service.name']} ${next.name}`);
      parent = next.spanId;
    }
    assert.deepEqual(way, [
      'client ask',
      'first ingress',
      'first router next egress',
      'second ingress',
      'second router next egress',
      'server serve',
    ]);
    const [ingress] = collector.spans.filter(({ name }) => name === 'ingress');
    assert.ok(ingress && BigInt(ingress.startNs) < BigInt(ingress.endNs));
  } finally {
    await Promise.all([first.stop(0), second.stop(0), backend.close()]);
    await Promise.all([client.provider.shutdown(), server.provider.shutdown()]);
    collector.close();
  }
});

test('a collector that takes connections and never answers holds no request back', async () => {
  const sockets = new Set<net.Socket>();
  const silent = net.createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const backend = await startBackend();
  const atOnce = { 'tracing.opentelemetry.min_flush_spans': 1 };
  const proxy = await runProxy(
    tracedListener('p', overGrpc),
    [staticCluster('next', [backend.port]), collectorCluster((silent.address() as AddressInfo).port)],
    {
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
      layered_runtime: { layers: [{ name: 's', static_layer: atOnce }] },
    },
  );
  try {
    const before = performance.now();
    for (let count = 0; count < 50; count++) assert.equal((await once(proxy.port, '/')).status, 200);
    assert.ok(performance.now() - before < 5000);
    const stats = await (await fetch(`http://${proxy.adminAddress}/stats?filter=tracing.opentelemetry`)).text();
    const dropped = Number(/spans_dropped: (\d+)/.exec(stats)?.[1]);
    const sent = Number(/spans_sent: (\d+)/.exec(stats)?.[1]);
    // Two spans a request.
    assert.equal(dropped + sent, 100);
    assert.ok(dropped > 50, stats);
  } finally {
    await Promise.all([proxy.stop(0), backend.close()]);
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});
