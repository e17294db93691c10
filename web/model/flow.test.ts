import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flow, pathOf, readFlow } from './flow.ts';

const pod = (namespace: string, name: string) => ({
  namespace,
  pod_name: `${name}-abc`,
  workloads: [{ name, kind: 'Deployment' }],
});

test('a reply is turned around, so that the client asks', () => {
  const flow: Flow = {
    is_reply: true,
    source: pod('shop', 'cart'),
    destination: pod('shop', 'web'),
    l4: { TCP: { source_port: 8080, destination_port: 40_000 } },
  };
  const { client, server, port } = readFlow(flow);
  assert.deepEqual([client.key, server.key, port], ['shop/web', 'shop/cart', 8080]);
});

const parties: readonly { readonly flow: Flow; readonly key: string; readonly kind: string }[] = [
  { flow: { source: { labels: ['reserved:host'] } }, key: '/host', kind: 'node' },
  {
    flow: { source: { labels: ['reserved:kube-apiserver', 'reserved:host'] } },
    key: '/kube-apiserver',
    kind: 'outside',
  },
  { flow: { source: { labels: ['reserved:world'] } }, key: '/world', kind: 'outside' },
  {
    flow: { source: { labels: ['reserved:world'] }, source_names: ['a.example.'] },
    key: '/a.example',
    kind: 'outside',
  },
  { flow: { source: { namespace: 'x', labels: ['k8s:app=y'] } }, key: 'x/y', kind: 'Pod' },
  { flow: { source: { namespace: 'x', pod_name: 'p' } }, key: 'x/p', kind: 'Pod' },
  {
    flow: { source: {}, source_service: { name: 'y', namespace: 'x' }, source_names: ['y.x.svc.cluster.local'] },
    key: 'x/service/y',
    kind: 'Service',
  },
  { flow: {}, key: '/unknown', kind: 'outside' },
];

for (const { flow, key, kind } of parties) {
  test(`the client of ${JSON.stringify(flow)} is ${key}`, () => {
    const { client } = readFlow(flow);
    assert.deepEqual([client.key, client.kind], [key, kind]);
  });
}

const paths: readonly (readonly [url: string, path: string])[] = [
  ['http://a:80/x?y=1', '/x'],
  ['http://a', '/'],
  ['/users/42/orders/3f2504e0-4f89-11d3-9a0c-0305e82c3301', '/users/*/orders/*'],
  ['/v1/deadbeef', '/v1/*'],
  ['/v2/face', '/v2/face'],
];

for (const [url, path] of paths) {
  test(`${url} is a call of ${path}`, () => assert.equal(pathOf(url), path));
}
