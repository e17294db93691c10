import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explain } from './explain/explain.ts';
import type { Destination, Question } from './explain/types.ts';
import { clusterOfManifests } from './manifest-cluster.ts';

const object = (kind: string, name: string, rest: object = {}, namespace?: string) => ({
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
  ...rest,
});
const template = (labels: object, ports: object[] = []) => ({
  spec: { template: { metadata: { labels }, spec: { containers: [{ name: 'main', ports }] } } },
});
const web = template({ app: 'web' }, [{ name: 'http', containerPort: 8080 }]);
const deny = (app: string, more: object = {}) => ({
  apiVersion: 'cilium.io/v2',
  ...object('CiliumNetworkPolicy', 'deny', {
    spec: { endpointSelector: { matchLabels: { app } }, ingress: [{}], ...more },
  }),
});

interface Case {
  readonly name: string;
  readonly objects: readonly unknown[];
  readonly to: Destination;
  readonly ask?: Partial<Question>;
  readonly allowed: boolean;
}

const inDefault = (kind: 'pod' | 'service', name: string): Destination => ({ kind, namespace: 'default', name });
const client = object('Pod', 'client', { metadata: { name: 'client', labels: { app: 'client' } } });

const cases: readonly Case[] = [
  {
    name: 'a Deployment',
    objects: [client, object('Deployment', 'web', web)],
    to: inDefault('pod', 'web'),
    allowed: true,
  },
  {
    name: 'a CronJob',
    objects: [client, object('CronJob', 'web', { spec: { jobTemplate: web } })],
    to: inDefault('pod', 'web'),
    allowed: true,
  },
  {
    name: 'a policy without a namespace is in the one that was named',
    objects: [client, object('Deployment', 'web', web), deny('web')],
    to: inDefault('pod', 'web'),
    allowed: false,
  },
  {
    name: 'a policy of another namespace',
    objects: [
      client,
      object('Deployment', 'web', web),
      { ...deny('web'), metadata: { name: 'deny', namespace: 'other' } },
    ],
    to: inDefault('pod', 'web'),
    allowed: true,
  },
  {
    name: 'a Service with a named target port',
    objects: [
      client,
      object('StatefulSet', 'web', web),
      object('Service', 'front', { spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] } }),
      deny('web', { ingress: [{ toPorts: [{ ports: [{ port: '8080', protocol: 'TCP' }] }] }] }),
    ],
    to: inDefault('service', 'front'),
    ask: { port: 80 },
    allowed: true,
  },
  {
    name: 'pods on two nodes, with addresses as they are',
    objects: [
      object('Pod', 'client', { spec: { nodeName: 'a' }, status: { podIP: '10.0.1.5' } }),
      object('Pod', 'web', {
        metadata: { name: 'web', labels: { app: 'web' } },
        spec: { nodeName: 'b' },
        status: { podIP: '10.0.2.5' },
      }),
      object('Node', 'a', {
        spec: { podCIDR: '10.0.1.0/24' },
        status: { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] },
      }),
      deny('web', { ingress: [{ fromEntities: ['cluster'] }] }),
    ],
    to: { kind: 'address', address: '10.0.2.5' },
    allowed: true,
  },
  {
    name: 'namespace labels select',
    objects: [
      client,
      object('Namespace', 'shop', { metadata: { name: 'shop', labels: { team: 'a' } } }),
      object('Pod', 'web', { metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } } }),
      {
        apiVersion: 'networking.k8s.io/v1',
        ...object('NetworkPolicy', 'n', {
          spec: {
            podSelector: {},
            ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }] }],
          },
        }),
        metadata: { name: 'n', namespace: 'shop' },
      },
    ],
    to: { kind: 'pod', namespace: 'shop', name: 'web' },
    allowed: true,
  },
  {
    name: 'a DNS server stands there when the manifests bring none',
    objects: [client],
    to: { kind: 'service', namespace: 'kube-system', name: 'kube-dns' },
    ask: { port: 53, protocol: 'udp' },
    allowed: true,
  },
  {
    name: 'cilium-config counts',
    objects: [
      client,
      object('Deployment', 'web', web),
      {
        ...object('ConfigMap', 'cilium-config', { data: { 'enable-policy': 'always' } }),
        metadata: { name: 'cilium-config', namespace: 'kube-system' },
      },
    ],
    to: inDefault('pod', 'web'),
    allowed: false,
  },
];

for (const { name, objects, to, ask, allowed } of cases) {
  test(name, () => {
    const question: Question = {
      from: { namespace: 'default', name: 'client' },
      to,
      port: 8080,
      protocol: 'tcp',
      ...ask,
    };
    const answer = explain(clusterOfManifests(objects, 'default'), question);
    assert.equal(answer.ok ? answer.value.allowed : answer.error, allowed);
  });
}

test('what is no object is no part of the cluster', () => {
  const odd = [
    null,
    1,
    'x',
    [],
    {},
    { kind: 'Pod' },
    { kind: 'Deployment', metadata: { name: 'x' } },
    { kind: 'Service', metadata: {} },
  ];
  const cluster = clusterOfManifests(odd, 'default');
  const answer = explain(cluster, {
    from: { namespace: 'default', name: 'x' },
    to: inDefault('pod', 'y'),
    port: 1,
    protocol: 'tcp',
  });
  assert.match(answer.ok ? '' : answer.error, /there is no pod/);
});

/** Objects that look like what is read, with anything where a field is. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('x', 80, null, undefined, [], {}, [{}], [null], { name: 1 }),
);
const near = fc
  .record({
    kind: fc.constantFrom(
      'Pod',
      'Deployment',
      'CronJob',
      'Service',
      'Node',
      'Namespace',
      'EndpointSlice',
      'ConfigMap',
      'CiliumNetworkPolicy',
      'CiliumEnvoyConfig',
      'toString',
    ),
    metadata: fc.oneof(anything, fc.record({ name: anything, namespace: anything, labels: anything })),
    data: anything,
    endpoints: anything,
    ports: anything,
    status: fc.oneof(anything, fc.record({ podIP: anything, addresses: anything })),
    spec: fc.oneof(
      anything,
      fc.record({
        template: fc.oneof(anything, fc.record({ metadata: anything, spec: anything })),
        containers: anything,
        selector: anything,
        ports: anything,
        clusterIP: anything,
        podCIDR: anything,
        nodeName: anything,
      }),
    ),
  })
  .map((fields) => fields as object);

test('nothing that a manifest may hold makes it fail', () => {
  const question: Question = {
    from: { namespace: 'default', name: 'client' },
    to: inDefault('pod', 'web'),
    port: 80,
    protocol: 'tcp',
  };
  fc.assert(
    fc.property(fc.array(fc.oneof(near, anything), { maxLength: 8 }), (objects) => {
      const cluster = clusterOfManifests([...objects, client, object('Deployment', 'web', web)], 'default');
      const answer = explain(cluster, question);
      assert.ok(answer.ok || typeof answer.error === 'string');
    }),
    { numRuns: 500 },
  );
});

test('pods that have ended are not there', () => {
  const ended = {
    kind: 'Pod',
    metadata: { name: 'web', labels: {} },
    status: { phase: 'Succeeded', podIP: '10.0.0.9' },
  };
  const cluster = clusterOfManifests([client, ended], 'default');
  assert.deepEqual(
    cluster.pods.map(({ metadata }) => metadata?.name),
    ['client', 'coredns'],
  );
});

test('made-up addresses leave out those that are given', () => {
  const given = (name: string, podIP: string) => ({ kind: 'Pod', metadata: { name }, status: { podIP } });
  const cluster = clusterOfManifests([client, given('a', '10.128.0.2'), given('b', '10.128.0.3')], 'default');
  const addresses = cluster.pods.map(({ status }) => status?.podIP);
  assert.equal(new Set(addresses).size, addresses.length);
});
