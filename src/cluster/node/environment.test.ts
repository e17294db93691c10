import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerEnvironment, expandReferences, type ServiceAddress } from './environment.ts';
import { podFiles, podHostname } from './pod-files.ts';
import type { Container, PodObject } from './types.ts';

const pod: PodObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'shop', uid: 'u1', labels: { app: 'web' } },
  spec: { containers: [], serviceAccountName: 'runner' },
};
const place = { nodeName: 'node-1', hostAddress: '172.30.0.1', podAddress: '10.244.1.7' };
const objects: Record<string, Record<string, string>> = {
  'configmap/cfg': { a: '1', b: '2' },
  'secret/key': { token: 't' },
};

function environment(container: Partial<Container>, services: readonly ServiceAddress[] = []) {
  const lookup = (kind: string, name: string) => objects[`${kind}/${name}`];
  return containerEnvironment({
    pod,
    container: { name: 'c', ...container },
    place,
    image: { PATH: '/bin' },
    services,
    lookup,
  });
}

test('values and where they come from', () => {
  const cases: readonly (readonly [string, Partial<Container>, Record<string, string>])[] = [
    ['image', {}, { PATH: '/bin', HOSTNAME: 'web-0', HOME: '/root' }],
    ['plain', { env: [{ name: 'A', value: 'x' }] }, { A: 'x' }],
    [
      'reference',
      {
        env: [
          { name: 'A', value: 'x' },
          { name: 'B', value: '$(A)-$(NO)-$$(A)' },
        ],
      },
      { B: 'x-$(NO)-$(A)' },
    ],
    ['field', { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }] }, { A: '10.244.1.7' }],
    ['label', { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }, { A: 'web' }],
    [
      'account',
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } }] },
      { A: 'runner' },
    ],
    ['key', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'b' } } }] }, { A: '2' }],
    ['secret', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'token' } } }] }, { A: 't' }],
    ['all', { envFrom: [{ prefix: 'P_', configMapRef: { name: 'cfg' } }] }, { P_a: '1', P_b: '2' }],
    [
      'later wins',
      { envFrom: [{ configMapRef: { name: 'cfg' } }], env: [{ name: 'a', value: '9' }] },
      { a: '9', b: '2' },
    ],
    [
      'resource',
      {
        resources: { limits: { memory: '64Mi', cpu: '1500m' } },
        env: [
          { name: 'M', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
          { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        ],
      },
      { M: '67108864', C: '2' },
    ],
  ];
  for (const [name, container, expected] of cases) {
    const result = environment(container);
    assert.ok(result.ok, name);
    for (const [key, value] of Object.entries(expected)) assert.equal(result.value[key], value, `${name}: ${key}`);
  }
});

test('what is missing is named', () => {
  const cases: readonly (readonly [Partial<Container>, string])[] = [
    [{ envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found'],
    [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'no', key: 'k' } } }] }, 'secret "no" not found'],
    [
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'z' } } }] },
      "couldn't find key z in ConfigMap shop/cfg",
    ],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }] }, 'env A: unknown field spec.nope'],
  ];
  for (const [container, error] of cases) assert.deepEqual(environment(container), { ok: false, error });
  assert.ok(environment({ envFrom: [{ configMapRef: { name: 'no', optional: true } }] }).ok);
});

test('services as variables', () => {
  const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }];
  const result = environment({}, [{ name: 'echo-same', clusterIP: '10.96.1.1', ports }]);
  assert.ok(result.ok);
  assert.equal(result.value['ECHO_SAME_SERVICE_HOST'], '10.96.1.1');
  assert.equal(result.value['ECHO_SAME_SERVICE_PORT_HTTP'], '8080');
  assert.equal(result.value['ECHO_SAME_PORT_8080_TCP'], 'tcp://10.96.1.1:8080');
});

test('inherited names are no values', () => {
  assert.equal(expandReferences('$(toString) $(constructor)', {}), '$(toString) $(constructor)');
});

test('the files of a pod', () => {
  const resolver = (spec: Partial<PodObject['spec']>): string | undefined =>
    podFiles({
      name: 'web-0',
      namespace: 'shop',
      spec: { containers: [], ...spec },
      address: '10.244.1.7',
      clusterDns: '10.96.0.10',
      clusterDomain: 'cluster.local',
      hostResolver: 'nameserver 9.9.9.9\n',
    })['resolv.conf'];
  const ofCluster =
    'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n';
  assert.equal(resolver({}), ofCluster);
  assert.equal(resolver({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), ofCluster);
  assert.equal(resolver({ hostNetwork: true }), 'nameserver 9.9.9.9\n');
  assert.equal(resolver({ dnsPolicy: 'Default' }), 'nameserver 9.9.9.9\n');
  assert.equal(resolver({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'] } }), 'nameserver 1.1.1.1\n');
  assert.match(resolver({ dnsConfig: { options: [{ name: 'ndots', value: '2' }] } }) ?? '', /options ndots:2\n$/);
  assert.equal(podHostname({ name: `${'x'.repeat(62)}-more`, spec: { containers: [] } }), 'x'.repeat(62));
});
