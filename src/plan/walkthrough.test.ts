import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { decodeEnvoyJson } from '../model/envoy/index.ts';
import { type NodePlan, plan } from './index.ts';
import { routed } from './test-support/evaluate.ts';
import { client, client2, dns, echoOther, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { policyVerdict } from './verdicts/packet.ts';
import { requestVerdict } from './verdicts/request.ts';

const data = '/work/shared/data/walkthrough';
const skip = existsSync(data) ? false : `the original manifests are not on this machine (${data})`;
if (skip) console.warn(`SKIPPED: ${skip}`);

function manifest(path: string): readonly unknown[] {
  return parseAllDocuments(readFileSync(`${data}/${path}`, 'utf8'))
    .map((document): unknown => document.toJS())
    .filter((object) => object !== null);
}

const policies = () => [
  ...manifest('seed-era-policies/client-egress-l7-http.yaml'),
  ...manifest('seed-era-policies/client-egress-only-dns.yaml'),
];
const config = () => manifest('envoy-test.yaml');
const [from, to, far, other] = [client2, echoSame, echoOther, client].map(podAddress) as [
  string,
  string,
  string,
  string,
];
const web = { protocol: 'tcp', port: 8080 } as const;
const ask = (made: NodePlan, path: string, backend = to, source = from) =>
  requestVerdict(made, { client: source, backend, port: 8080, path }).allowed;

test('step 3: without policy nothing is enforced and nothing is redirected', { skip }, () => {
  const made = plan(walkthroughWorld());
  assert.deepEqual(made.datapath.policy, []);
  assert.equal(
    made.datapath.endpoints.every(({ enforceEgress, enforceIngress }) => !enforceEgress && !enforceIngress),
    true,
  );
  assert.deepEqual([...made.xds.listeners.keys()], ['cilium-http-egress', 'cilium-http-ingress']);
  assert.equal(ask(made, '/foo'), true);
  assert.deepEqual(
    made.datapath.endpoints.map(({ podName }) => podName),
    ['client', 'client2', 'echo-same-node'],
  );
});

test('step 4: requests of client2 are judged, client is dropped, DNS goes to the DNS proxy', { skip }, () => {
  const made = plan(walkthroughWorld({ policies: policies() }));
  assert.deepEqual(
    made.reports.map(({ condition }) => condition.status),
    ['True', 'True'],
  );
  for (const destination of [to, far]) {
    const verdict = policyVerdict(made, { source: from, destination, ...web }, 'egress');
    assert.deepEqual(verdict, { kind: 'redirect', listener: 'cilium-http-egress' });
    assert.equal(ask(made, '/', destination), true);
    assert.equal(ask(made, '/foo', destination), false);
    assert.equal(ask(made, '/?a=1', destination), false);
    assert.equal(policyVerdict(made, { source: other, destination, ...web }, 'egress').kind, 'default-deny');
    assert.equal(ask(made, '/', destination, other), false);
  }
  for (const source of [from, other]) {
    for (const protocol of ['udp', 'tcp'] as const) {
      const packet = { source, destination: podAddress(dns), protocol, port: 53 };
      assert.deepEqual(policyVerdict(made, packet, 'egress'), { kind: 'redirect', listener: 'cilium-dns-egress' });
    }
  }
  assert.deepEqual(new Set(made.dns.rules.map(({ endpoint }) => endpoint)), new Set([from, other]));
  assert.equal(made.dns.proxyPort, made.proxyPorts.get('cilium-dns-egress'));
});

test('a denied or allowed request names a rule that the plan knows', { skip }, () => {
  const made = plan(walkthroughWorld({ policies: policies() }));
  const { by } = requestVerdict(made, { client: from, backend: to, port: 8080, path: '/' });
  assert.deepEqual(by, ['cnp/cilium-test/client-egress-l7-http/spec.egress[0].toPorts[0].rules.http[0]', 'unenforced']);
  const reference = made.rules.get(by[0] ?? '');
  assert.equal(reference?.path, 'spec.egress[0].toPorts[0].rules.http[0]');
  assert.equal(reference?.name, 'client-egress-l7-http');
  for (const { rules } of made.datapath.policy) for (const rule of rules) assert.ok(made.rules.has(rule), rule);
});

test('names learnt from DNS are allowed for toFQDNs', { skip }, () => {
  const learntNames = new Map([['one.one.one.one.', ['203.0.113.10']]]);
  const made = plan(walkthroughWorld({ policies: policies(), learntNames }));
  const packet = { source: from, destination: '203.0.113.10', protocol: 'tcp', port: 80 } as const;
  assert.equal(policyVerdict(made, packet, 'egress').kind, 'redirect');
  assert.equal(policyVerdict(made, { ...packet, destination: '203.0.113.11' }, 'egress').kind, 'default-deny');
  assert.equal(policyVerdict(made, { ...packet, port: 443 }, 'egress').kind, 'default-deny');
  assert.equal(requestVerdict(made, { client: from, backend: '203.0.113.10', port: 80, path: '/' }).allowed, true);
  assert.equal(requestVerdict(made, { client: from, backend: '203.0.113.11', port: 80, path: '/' }).allowed, false);
  const { identity } = made.datapath.ipcache.find(({ cidr }) => cidr === '203.0.113.10/32') ?? {};
  assert.deepEqual(made.identities.get(identity ?? 0), ['fqdn:one.one.one.one', 'reserved:world']);
});

test('step 5: the original configuration routes to both backends and policy judges the rewritten request', {
  skip,
}, () => {
  const made = plan(walkthroughWorld({ policies: policies(), envoyConfigs: config() }));
  const listener = '/envoy-lb-listener/envoy-lb-listener';
  assert.deepEqual(
    made.datapath.serviceRedirects.map(({ address, port, listener: name }) => ({ address, port, name })),
    [
      { address: '10.96.0.21', port: 8080, name: listener },
      { address: '10.96.0.22', port: 8080, name: listener },
    ],
  );
  assert.equal(made.datapath.serviceRedirects[0]?.proxyPort, made.proxyPorts.get(listener));
  const foo = routed(made, listener, '/foo');
  assert.equal(foo.path, '/');
  assert.deepEqual(foo.clusters, [
    { weight: 50, backends: [{ address: to, port: 8080 }] },
    { weight: 50, backends: [{ address: far, port: 8080 }] },
  ]);
  for (const backend of [to, far]) {
    assert.equal(ask(made, routed(made, listener, '/foo').path, backend), true);
    assert.equal(ask(made, routed(made, listener, '/bar').path, backend), false);
    assert.equal(ask(made, routed(made, listener, '/').path, backend, other), false);
  }
  const conditions = made.reports.filter(({ kind }) => kind === 'CiliumEnvoyConfig').map(({ condition }) => condition);
  assert.deepEqual(
    conditions.map(({ type, status }) => `${type}=${status}`),
    ['Accepted=True', 'Ready=True'],
  );
});

test('the configuration without policy lets everything pass', { skip }, () => {
  const made = plan(walkthroughWorld({ envoyConfigs: config() }));
  assert.equal(ask(made, '/bar', far), true);
  assert.deepEqual(
    [...made.xds.listeners.keys()].filter((name) => !name.startsWith('cilium-http-')),
    ['/envoy-lb-listener/envoy-lb-listener'],
  );
});

test('step 6: taking it away leaves the plan that was there before, the port kept meanwhile', { skip }, () => {
  const before = plan(walkthroughWorld({ policies: policies() }));
  const during = plan(
    walkthroughWorld({
      policies: policies(),
      envoyConfigs: config(),
      proxyPorts: before.proxyPorts,
      lastGood: before.lastGood,
    }),
  );
  const after = plan(
    walkthroughWorld({ policies: policies(), proxyPorts: during.proxyPorts, lastGood: during.lastGood }),
  );
  assert.deepEqual(after, before);
  for (const [name, port] of before.proxyPorts) assert.equal(during.proxyPorts.get(name), port);
});

test('every Envoy resource of the plan is valid', { skip }, () => {
  const made = plan(walkthroughWorld({ policies: policies(), envoyConfigs: [...config()] }));
  const types = {
    listeners: 'envoy.config.listener.v3.Listener',
    routes: 'envoy.config.route.v3.RouteConfiguration',
    clusters: 'envoy.config.cluster.v3.Cluster',
    endpoints: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
    extensionConfigs: 'envoy.config.core.v3.TypedExtensionConfig',
  } as const;
  for (const [kind, type] of Object.entries(types)) {
    for (const [name, value] of made.xds[kind as keyof typeof types]) {
      const decoded = decodeEnvoyJson(value, { path: name, type });
      assert.ok(decoded.ok, decoded.ok ? '' : JSON.stringify(decoded.error));
    }
  }
});

test("today's documents: redirect, dotted namespace label, weights", { skip }, () => {
  const documents = (name: string) => manifest(`today-docs/${name}`);
  const made = plan(walkthroughWorld({ policies: documents('client-egress-only-dns.yaml').map(inTestNamespace) }));
  assert.equal(
    policyVerdict(made, { source: from, destination: podAddress(dns), protocol: 'udp', port: 53 }, 'egress').kind,
    'redirect',
  );
  const missing = plan(walkthroughWorld({ envoyConfigs: documents('envoy-traffic-management-test.yaml') }));
  assert.deepEqual(missing.datapath.serviceRedirects, []);
  assert.match(missing.reports[0]?.condition.message ?? '', /Service default\/echo-service-1 does not exist/);
});

function inTestNamespace(object: unknown): unknown {
  const { metadata, ...rest } = object as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace: 'cilium-test' } };
}
