import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { decodeRecords, decodeSpans, type ReceivedRecord, type ReceivedSpan } from '../otlp/decode.ts';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

const timeout = 180_000;
const traceId = '0af7651916cd43dd8448eb211c80319c';

interface Received {
  readonly spans: ReceivedSpan[];
  readonly records: ReceivedRecord[];
  readonly stop: () => void;
}

/** A collector in the pod of `client`, which no policy of the test is about. */
async function startReceiver(cluster: TestCluster): Promise<Received> {
  const program = path.join(projectRoot, 'test/otlp/receiver.mjs');
  const entry = path.join(projectRoot, 'src/cli/ciliate.ts');
  const exec = ['kubectl', 'exec', '-n', 'cilium-test', 'deploy/client', '--', process.execPath, program];
  const child = spawn(process.execPath, [entry, ...exec], {
    env: cluster.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const received: Received = { spans: [], records: [], stop: () => child.kill('SIGKILL') };
  const listening = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { path: asked, body } = JSON.parse(line) as { path: string; body: string };
    const bytes = Buffer.from(body, 'base64');
    if (asked === 'listening') listening.resolve();
    if (asked === '/v1/traces') received.spans.push(...decodeSpans(bytes));
    if (asked === '/v1/logs') received.records.push(...decodeRecords(bytes));
  });
  await listening.promise;
  return received;
}

test('requests become spans of their traces, and flows log records, at a collector', { timeout }, async () => {
  await using cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  await cluster.kubectl('apply', '-f', path.join(projectRoot, 'examples/workloads.yaml'));
  await cluster.kubectl(
    'wait',
    '-n',
    'cilium-test',
    '--for=condition=Available',
    'deployment',
    '--all',
    '--timeout=60s',
  );
  for (const example of ['client-egress-l7-http', 'client-egress-only-dns']) {
    await cluster.kubectl('apply', '-f', path.join(projectRoot, `examples/${example}.yaml`));
  }
  const { stdout: address } = await cluster.kubectl(
    ...['get', 'pods', '-n', 'cilium-test', '-l', 'name=client', '-o', 'jsonpath={.items[0].status.podIP}'],
  );
  const received = await startReceiver(cluster);
  try {
    const data = { 'hubble-otlp-endpoint': `http://${address}:4318`, 'hubble-otlp-signals': 'traces logs' };
    const patch = JSON.stringify({ data });
    await cluster.kubectl('patch', 'configmap', 'cilium-config', '-n', 'kube-system', '--type=merge', '-p', patch);
    const ask = (url: string) =>
      cluster.exec('client2', 'curl', '-s', '-m', '2', '-H', `traceparent: 00-${traceId}-b7ad6b7169203331-01`, url);
    const spanTo = (wanted: string): ReceivedSpan | undefined =>
      received.spans.find(({ attributes, traceId: found }) => attributes['url.path'] === wanted && found === traceId);
    await eventually(
      () => ask('http://echo-same-node:8080/'),
      () => spanTo('/') !== undefined,
      30_000,
    );
    await eventually(
      () => ask('http://echo-same-node:8080/secret'),
      () => spanTo('/secret') !== undefined,
    );
    const allowed = spanTo('/');
    assert.equal(allowed?.parentSpanId, 'b7ad6b7169203331');
    assert.equal(allowed.kind, 3);
    assert.equal(allowed.attributes['http.response.status_code'], 200);
    assert.equal(allowed.attributes['destination.k8s.workload.name'], 'echo-same-node');
    assert.equal(allowed.resource['service.name'], 'client2');
    assert.equal(allowed.resource['k8s.deployment.name'], 'client2');
    assert.ok(BigInt(allowed.endNs) > BigInt(allowed.startNs));
    const denied = spanTo('/secret');
    assert.equal(denied?.status.code, 2);
    assert.equal(denied.attributes['error.type'], 'policy_denied');
    assert.equal(denied.attributes['http.response.status_code'], 403);

    const record = await eventually(
      async () =>
        received.records.find(({ attributes }) => attributes['url.full'] === 'http://echo-same-node:8080/secret'),
      (found) => found !== undefined,
    );
    assert.equal(record?.severity, 'WARN');
    assert.equal(record.traceId, traceId);
    assert.match(String(record.body), /http-request DROPPED \(HTTP\/1\.1 GET http:\/\/echo-same-node:8080\/secret\)/);
    assert.ok(received.records.some(({ attributes }) => attributes['network.transport'] === 'tcp'));

    received.stop();
    assert.equal(
      await cluster.status('client2', 'http://echo-same-node:8080/'),
      '200',
      'a collector that went is not missed',
    );
  } finally {
    received.stop();
  }
});
