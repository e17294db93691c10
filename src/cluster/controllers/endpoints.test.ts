import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointGroups, endpointSubsets } from './endpoints.ts';
import type { EndpointSlice, Endpoints, Pod, Service } from './kinds.ts';
import { type TestCluster, testCluster } from './test-support.ts';

interface PodFacts {
  readonly ready?: boolean;
  readonly phase?: string;
  readonly terminating?: boolean;
  readonly ip?: string;
  readonly webPort?: number;
}

function pod(
  name: string,
  { ready = true, phase = 'Running', terminating = false, ip = '10.244.1.5', webPort = 8080 }: PodFacts = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels: { app: 'web' },
      ...(terminating ? { deletionTimestamp: 'now' } : {}),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: webPort }] }] },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      ...(ip === '' ? {} : { podIP: ip }),
    },
  };
}

function service(spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', labels: { kind: 'echo' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
  };
}

const http = (port: number) => [{ name: 'http', port, protocol: 'TCP' }];

for (const { name, spec, pods, expected } of [
  { name: 'ready', pods: [pod('a')], expected: [[http(8080), ['a true true false']]] },
  { name: 'not ready', pods: [pod('a', { ready: false })], expected: [[http(8080), ['a false false false']]] },
  {
    name: 'terminating keeps serving',
    pods: [pod('a', { terminating: true })],
    expected: [[http(8080), ['a false true true']]],
  },
  {
    name: 'not ready but published',
    spec: { publishNotReadyAddresses: true },
    pods: [pod('a', { ready: false })],
    expected: [[http(8080), ['a true false false']]],
  },
  { name: 'ended', pods: [pod('a', { phase: 'Failed' })], expected: [[[], []]] },
  { name: 'without address', pods: [pod('a', { ip: '' })], expected: [[[], []]] },
  { name: 'of another family', spec: { ipFamilies: ['IPv6'] }, pods: [pod('a')], expected: [[[], []]] },
  {
    name: 'target port left out',
    spec: { ports: [{ name: 'http', port: 80 }] },
    pods: [pod('a')],
    expected: [[http(80), ['a true true false']]],
  },
  {
    name: 'numbered target port',
    spec: { ports: [{ name: 'http', port: 80, targetPort: 9090 }] },
    pods: [pod('a')],
    expected: [[http(9090), ['a true true false']]],
  },
  {
    name: 'unknown target port',
    spec: { ports: [{ port: 80, targetPort: 'nope' }] },
    pods: [pod('a')],
    expected: [[[], ['a true true false']]],
  },
  {
    name: 'named port that differs by pod',
    pods: [pod('b', { webPort: 9000 }), pod('c'), pod('a')],
    expected: [
      [http(8080), ['a true true false', 'c true true false']],
      [http(9000), ['b true true false']],
    ],
  },
] satisfies { name: string; spec?: Partial<Service['spec']>; pods: Pod[]; expected: unknown }[]) {
  test(`groups: ${name}`, () => {
    const groups = endpointGroups(service(spec), pods);
    const shown = groups.map(({ ports, endpoints }) => [
      ports,
      endpoints.map(({ targetRef, conditions: c }) => `${targetRef?.name} ${c?.ready} ${c?.serving} ${c?.terminating}`),
    ]);
    assert.deepEqual(shown, expected);
  });
}

test('more than 100 endpoints are cut', () => {
  const pods = Array.from({ length: 250 }, (_, index) => pod(`p${index}`));
  assert.deepEqual(
    endpointGroups(service(), pods).map(({ endpoints }) => endpoints.length),
    [100, 100, 50],
  );
});

test('the Endpoints form tells ready from not ready and leaves terminating ones out', () => {
  const pods = [pod('a'), pod('b', { ready: false }), pod('c', { terminating: true })];
  const [subset] = endpointSubsets(endpointGroups(service(), pods));
  assert.deepEqual(
    subset?.addresses?.map(({ targetRef }) => targetRef?.name),
    ['a'],
  );
  assert.deepEqual(
    subset?.notReadyAddresses?.map(({ targetRef }) => targetRef?.name),
    ['b'],
  );
  assert.deepEqual(subset?.ports, [{ port: 8080, name: 'http', protocol: 'TCP' }]);
});

const slices = ({ store }: TestCluster): EndpointSlice[] => [
  ...store.list<EndpointSlice>('endpointslices.discovery.k8s.io', 'shop'),
];

test('slices follow pods and Services, keep their name, and go with the Service', () => {
  const cluster = testCluster();
  const { store } = cluster;
  store.create('services', service());
  cluster.run();
  const [empty] = slices(cluster);
  assert.deepEqual(
    [empty?.endpoints, empty?.metadata.labels],
    [
      [],
      {
        kind: 'echo',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    ],
  );
  assert.match(empty?.metadata.name ?? '', /^web-[b-z2-9]{5}$/);

  const { status: _, ...bare } = pod('a');
  store.create<Pod>('pods', { ...bare, spec: { containers: bare.spec.containers } });
  cluster.run();
  const [full] = slices(cluster);
  assert.equal(full?.metadata.name, empty?.metadata.name);
  assert.deepEqual([full?.endpoints.length, full?.endpoints[0]?.nodeName, full?.ports[0]?.port], [1, 'node-1', 8080]);
  assert.equal(store.get<Endpoints>('endpoints', 'shop', 'web')?.subsets?.[0]?.addresses?.length, 1);

  const placed = store.get<Pod>('pods', 'shop', 'a');
  assert.ok(placed);
  store.update('pods', { ...placed, metadata: { ...placed.metadata, labels: { app: 'other' } } });
  cluster.run();
  assert.equal(slices(cluster)[0]?.endpoints.length, 0);

  store.delete('endpointslices.discovery.k8s.io', 'shop', empty?.metadata.name ?? '');
  cluster.run();
  assert.equal(slices(cluster).length, 1);

  store.delete('services', 'shop', 'web');
  cluster.run();
  assert.deepEqual([slices(cluster).length, store.list('endpoints', 'shop').length], [0, 0]);
});

test('a Service without selector is left to its owner', () => {
  const cluster = testCluster();
  cluster.store.create('services', service({ selector: {} }));
  cluster.run();
  assert.equal(slices(cluster).length, 0);
});
