import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, type TestCluster, testCluster } from './cluster.ts';
import {
  hostAddress,
  type OuterHost,
  outerHost,
  outerHostObstacle,
  outsideAddress,
  programPaths,
} from './outer-host.ts';

/** Any number without privileges; the kernel's overflow user is no owner that a user namespace can map back. */
const ordinaryUser = 54_321;
const loopbackPort = 8099;
const programs = ['pasta', 'slirp4netns'] as const;

const client = `
apiVersion: v1
kind: Namespace
metadata: { name: cilium-test }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: cilium-test, labels: { name: client } }
spec:
  containers:
  - name: client
    image: quay.io/cilium/alpine-curl:v1.4.0
    command: ["/bin/ash", "-c", "sleep 10000000"]
`;

const onlyDns = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: only-dns, namespace: cilium-test }
spec:
  endpointSelector: {}
  egress:
  - toEndpoints:
    - matchLabels: { k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns }
    toPorts:
    - ports: [{ port: "53", protocol: ANY }]
`;

interface Case {
  readonly name: string;
  readonly via: 'masquerade' | (typeof programs)[number];
  readonly user?: number;
}

const cases: readonly Case[] = [
  { name: 'root by masquerading', via: 'masquerade' },
  { name: 'root by pasta', via: 'pasta' },
  { name: 'root by slirp4netns', via: 'slirp4netns' },
  { name: 'an ordinary user by pasta', via: 'pasta', user: ordinaryUser },
  { name: 'an ordinary user by slirp4netns', via: 'slirp4netns', user: ordinaryUser },
];

function obstacle({ via, user }: Case): string | false {
  if (via !== 'masquerade' && programPaths(via).length === 0) return `SKIPPED: ${via} is not installed`;
  return outerHostObstacle(user);
}

for (const entry of cases) {
  test(`pods reach the outside: ${entry.name}`, { skip: obstacle(entry) }, async () => {
    const { via, user } = entry;
    await using host = await outerHost(loopbackPort);
    if (via === 'masquerade') host.output('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    const before = traces(host);
    const hidden = programs.filter((program) => program !== via);
    const within = host.within({ hidden, ...(user !== undefined && { user }) });
    await using cluster = await testCluster({ within, ...(user !== undefined && { owner: user }) });
    const uplink = await up(cluster);
    assert.match(uplink, new RegExp(`up \\(${via}, 100\\.`));
    await reachesOutside(cluster);
    await keepsHostClosed(cluster, uplink.replace(/^.*, (.*)\.0\/24.*$/s, '$1.2'));
    await obeysPolicy(cluster);
    const { pid } = JSON.parse(readFileSync(path.join(cluster.home, 'run/cluster.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    assert.equal(
      await eventually(
        async () => traces(host),
        (now) => now === before,
      ),
      before,
    );
  });
}

test('a host that does not forward stays so, and the status says it', { skip: outerHostObstacle() }, async () => {
  await using host = await outerHost(loopbackPort);
  const before = traces(host);
  await using cluster = await testCluster({ within: host.within({ hidden: programs }) });
  assert.match(await up(cluster), /none \(.*ip_forward is 0/);
  assert.equal(await cluster.status('client', `http://${outsideAddress}/`), '000');
  assert.equal(host.output('sysctl', '-n', 'net.ipv4.ip_forward').trim(), '0');
  assert.equal((await cluster.exec('client', 'nslookup', 'outside.test')).exitCode, 1);
  assert.equal((await cluster.ciliate('down')).exitCode, 0);
  assert.equal(
    await eventually(
      async () => traces(host),
      (now) => now === before,
    ),
    before,
  );
});

test('--no-uplink does without', { skip: outerHostObstacle() }, async () => {
  await using host = await outerHost(loopbackPort);
  host.output('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await using cluster = await testCluster({ within: host.within({}) });
  assert.match(await up(cluster, '--no-uplink'), /none \(switched off/);
  assert.equal(await cluster.status('client', `http://${outsideAddress}/`), '000');
});

/** Starts a cluster with a client pod; gives what the status says of the uplink once it has settled. */
async function up(cluster: TestCluster, ...flags: string[]): Promise<string> {
  const started = await cluster.ciliate('up', '--nodes', '1', '--detach', ...flags);
  assert.equal(started.exitCode, 0, started.stderr);
  assert.equal((await cluster.kubectlWithInput(client, 'apply', '-f', '-')).exitCode, 0);
  const wait = ['wait', '-n', 'cilium-test', '--for=condition=Ready', 'pod/client', '--timeout=20s'];
  assert.equal((await cluster.kubectl(...wait)).exitCode, 0);
  return eventually(
    async () => /^Uplink: +(.*)$/m.exec((await cluster.ciliate('status')).stdout)?.[1] ?? '',
    (line) => /^(up|none)/.test(line),
  );
}

async function reachesOutside(cluster: TestCluster): Promise<void> {
  const seen = await cluster.exec('client', 'curl', '-sS', '--max-time', '3', `http://${outsideAddress}/`);
  assert.equal(seen.stdout, `seen ${hostAddress}\n`, seen.stderr);
  const byName = await eventually(
    () => cluster.status('client', 'http://outside.test/'),
    (status) => status === '200',
  );
  assert.equal(byName, '200');
  assert.equal(await cluster.status('client', 'http://one.one.one.one/'), '200');
}

/** Nothing on the host's loopback answers, by whatever address of the uplink's link. */
async function keepsHostClosed(cluster: TestCluster, gateway: string): Promise<void> {
  assert.match(gateway, /^100\.\d+\.\d+\.2$/);
  const resolver = gateway.replace(/2$/, '3');
  for (const address of [gateway, resolver, hostAddress, '127.0.0.1']) {
    assert.equal(await cluster.status('client', `http://${address}:${loopbackPort}/`), '000', address);
  }
}

async function obeysPolicy(cluster: TestCluster): Promise<void> {
  assert.equal((await cluster.kubectlWithInput(onlyDns, 'apply', '-f', '-')).exitCode, 0);
  const denied = await eventually(
    () => cluster.status('client', `http://${outsideAddress}/`),
    (status) => status === '000',
  );
  assert.equal(denied, '000');
  const lines = await eventually(
    () => cluster.hubble('observe', '--verdict', 'DROPPED', '--last', '20'),
    (found) => found.some((line) => line.includes(outsideAddress)),
  );
  assert.match(lines.join('\n'), new RegExp(`${outsideAddress}:80 \\(world\\)`));
}

/** What the cluster could leave on the host: links, rules, processes. */
function traces(host: OuterHost): string {
  const links = host.output('ip', '-o', 'link').replace(/^(\d+: [^:]+):.*$/gm, '$1');
  const addresses = host.output('ip', '-4', '-o', 'addr');
  const processes = host.output('sh', '-c', 'ip netns pids $(ip netns identify $$) | wc -l');
  return [links, addresses, host.output('nft', 'list', 'ruleset'), host.output('ip', 'route'), processes].join('\n');
}
