import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { FlowListener } from '../../src/agent/flows.ts';
import { createTelemetry } from '../../src/agent/telemetry.ts';
import { createLogger } from '../../src/base/index.ts';
import { until } from '../../src/base/testing/index.ts';
import type { Flow, HttpEvent } from '../../src/model/flow/index.ts';
import type { ConfigMap } from '../../src/plan/index.ts';
import { decodeRecords, decodeSpans, type ReceivedRecord, type ReceivedSpan } from './decode.ts';

interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly records: ReceivedRecord[];
  readonly headers: http.IncomingHttpHeaders[];
  /** What it answers with. */
  status: number;
}

async function startCollector(): Promise<Collector> {
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      collector.headers.push(request.headers);
      const body = Buffer.concat(pieces);
      if (collector.status === 200 && request.url === '/otlp/v1/traces') collector.spans.push(...decodeSpans(body));
      if (collector.status === 200 && request.url === '/otlp/v1/logs') collector.records.push(...decodeRecords(body));
      response.writeHead(collector.status, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/otlp/`,
    spans: [],
    records: [],
    headers: [],
    status: 200,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return collector;
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const event: HttpEvent = {
  kind: 'http',
  way: { listener: 'cilium-http-egress' },
  direction: 'egress',
  startNs: 1_700_000_000_000_000_001n,
  latencyNs: 2_000_000n,
  source: { address: '10.0.0.1', port: 40_000 },
  destination: { address: '10.0.0.2', port: 8080 },
  method: 'GET',
  url: 'http://web/a',
  protocol: 'HTTP/1.1',
  requestHeaders: [{ key: 'Traceparent', value: `00-${traceId}-b7ad6b7169203331-01` }],
  responseHeaders: [],
  status: 200,
  verdicts: {},
};
const flow: Flow = {
  uuid: 'f1',
  time: { seconds: 1_700_000_000, nanos: 1 },
  verdict: 1,
  traffic_direction: 2,
  IP: { source: '10.0.0.1', destination: '10.0.0.2', ipVersion: 1 },
  source: { namespace: 'shop', pod_name: 'cart-1', workloads: [{ name: 'cart', kind: 'Deployment' }] },
  destination: { namespace: 'shop', pod_name: 'web-1', workloads: [{ name: 'web', kind: 'Deployment' }] },
  l7: {
    type: 1,
    http: { method: 'GET', url: 'http://web/a', protocol: 'HTTP/1.1', headers: [...event.requestHeaders] },
  },
  event_type: { type: 129 },
  Summary: 'HTTP/1.1 GET http://web/a',
};

function startTelemetry(initial: Record<string, string>) {
  const warnings: string[] = [];
  const log = createLogger('telemetry-test');
  log.level = 'silent';
  const note = (details: unknown, text: string): void => void warnings.push(`${text} ${JSON.stringify(details)}`);
  Object.assign(log, { warn: note, error: note });
  let map: ConfigMap = { metadata: { name: 'cilium-config' }, data: initial };
  const taps: FlowListener[] = [];
  const telemetry = createTelemetry({
    configMap: () => map,
    tap: (listener) => void taps.splice(0, 1, ...(listener ? [listener] : [])),
    nodeName: 'c1/n1',
    version: '9',
    log,
  });
  return {
    telemetry,
    warnings,
    isOn: () => taps.length > 0,
    push: (count = 1, pushed = event) => {
      for (let sent = 0; sent < count; sent++) taps[0]?.(pushed, [flow]);
    },
    set: (data: Record<string, string>) => {
      map = { metadata: { name: 'cilium-config' }, data };
      return telemetry.update();
    },
  };
}

test('spans and records arrive at a collector with their resource', async () => {
  await using collector = await startCollector();
  const started = startTelemetry({});
  await started.telemetry.update();
  assert.equal(started.isOn(), false, 'off by default');
  await started.set({
    'hubble-otlp-endpoint': collector.url,
    'hubble-otlp-signals': 'traces logs',
    'hubble-otlp-headers': 'authorization=Bearer%20abc',
  });
  started.push();
  await until(() => collector.spans.length > 0 && collector.records.length > 0);
  await started.telemetry.stop();
  const resource = {
    'service.name': 'cart',
    'service.namespace': 'shop',
    'k8s.namespace.name': 'shop',
    'k8s.deployment.name': 'cart',
    'k8s.cluster.name': 'c1',
    'k8s.node.name': 'n1',
    'telemetry.distro.name': 'ciliate',
    'telemetry.distro.version': '9',
  };
  const [span] = collector.spans;
  assert.deepEqual(span?.resource, resource);
  assert.deepEqual(
    [span?.name, span?.kind, span?.traceId, span?.parentSpanId, span?.startNs, span?.endNs, span?.status],
    ['GET', 3, traceId, 'b7ad6b7169203331', '1700000000000000001', '1700000000002000001', { code: 0 }],
  );
  assert.match(span?.spanId ?? '', /^[0-9a-f]{16}$/);
  assert.equal(span?.attributes['http.response.status_code'], 200);
  const [record] = collector.records;
  assert.deepEqual(record?.resource, resource);
  assert.deepEqual(
    [record?.timeNs, record?.severity, record?.eventName, record?.traceId],
    ['1700000000000000001', 'INFO', 'hubble.flow', traceId],
  );
  assert.equal(record?.body, 'shop/cart-1 <> shop/web-1 http-request FORWARDED (HTTP/1.1 GET http://web/a)');
  assert.equal(record?.attributes['cilium.flow.uuid'], 'f1');
  assert.ok(collector.headers.every((headers) => headers.authorization === 'Bearer abc'));
});

test('filters choose, a caller that does not record is followed, and settings take hold while running', async () => {
  await using collector = await startCollector();
  const on = { 'hubble-otlp-endpoint': collector.url };
  const started = startTelemetry({ ...on, 'hubble-otlp-allowlist': '{"source_pod":["other/"]}' });
  await started.telemetry.update();
  started.push();
  await started.set(on);
  const unrecorded = [{ key: 'Traceparent', value: `00-${traceId}-b7ad6b7169203331-00` }];
  started.push(1, { ...event, requestHeaders: unrecorded });
  started.push();
  await started.set({ ...on, 'hubble-otlp-signals': 'metrics' });
  assert.match(started.warnings.join(), /hubble-otlp-signals: found \\"metrics\\"; allowed: traces, logs/);
  started.push();
  await started.set({});
  assert.equal(started.isOn(), false);
  assert.equal(collector.spans.length, 2, 'what waits is sent before it is switched off');
  await started.telemetry.stop();
});

test('a collector that is away or too slow costs spans, which are counted, and nothing else', async () => {
  await using collector = await startCollector();
  collector.status = 400;
  const started = startTelemetry({ 'hubble-otlp-endpoint': collector.url });
  await started.telemetry.update();
  started.push(10_000);
  await until(() => started.warnings.length > 0);
  assert.match(started.warnings[0] ?? '', /spans for OpenTelemetry are lost .*"lost":1,/);
  await until(() => collector.headers.length > 0);
  await started.telemetry.stop();
  assert.equal(collector.spans.length, 0);
});
