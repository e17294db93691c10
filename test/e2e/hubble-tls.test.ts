import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { issueCertificate } from '../../src/base/index.ts';
import { eventually, type Output, projectRoot, testCluster } from './cluster.ts';

const timeout = 180_000;
/** Until a setting holds on a busy machine. */
const limitMs = 30_000;

test('nodes and Relay change to TLS while they run, and only who trusts and is trusted gets flows', {
  timeout,
}, async () => {
  await using cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const set = async (name: string, data: Record<string, string>): Promise<void> => {
    const patch = JSON.stringify({ data });
    const done = await cluster.kubectl('patch', 'configmap', name, '-n', 'kube-system', '--type=merge', '-p', patch);
    assert.equal(done.exitCode, 0, done.stderr);
  };
  const server = /HUBBLE_SERVER=(\S+)/.exec((await cluster.ciliate('env')).stdout)?.[1] ?? '';
  const hubble = (...words: string[]): Promise<Output> =>
    cluster.ciliate('hubble', ...words, '--server', server, '--timeout', '2s');
  const nodesBecome = async (expected: string, words: readonly string[] = []): Promise<void> => {
    assert.equal(
      await eventually(
        () => nodes(words),
        (found) => found === expected,
        limitMs,
      ),
      expected,
    );
  };
  const pki = path.join(cluster.home, 'state/pki');
  const trusting = [
    '--tls',
    ...['--tls-ca-cert-files', path.join(pki, 'ca.crt'), '--tls-server-name', 'here.hubble-relay.cilium.io'],
  ];
  const trusted = [
    ...['--tls-client-cert-file', path.join(pki, 'admin.crt'), '--tls-client-key-file', path.join(pki, 'admin.key')],
  ];
  const nodes = async (words: readonly string[] = []): Promise<string> => {
    const { stdout } = await hubble('list', 'nodes', '-o', 'wide', ...words);
    return [...stdout.matchAll(/^(\S+) +(\S+) .* (\S+)$/gm)].map(([, ...shown]) => shown.join(' ')).join('; ');
  };
  const listed = (tls: string): string =>
    `NAME STATUS TLS; ciliate/node-1 Connected ${tls}; ciliate/node-2 Connected ${tls}`;

  assert.equal(await nodes(), listed('Disabled'));
  await set('cilium-config', { 'hubble-disable-tls': 'false' });
  await nodesBecome(listed('Enabled'));
  const flows = await hubble('observe', '--last', '1', '-o', 'jsonpb');
  assert.match(flows.stdout, /"uuid"/);

  await set('hubble-relay-config', { 'config.yaml': 'disable-server-tls: false' });
  await nodesBecome(listed('Enabled'), trusting);
  assert.notEqual((await hubble('status')).exitCode, 0);
  const authorities = '/var/lib/hubble-relay/tls/hubble-server-ca.crt';
  await set('hubble-relay-config', {
    'config.yaml': `disable-server-tls: false\ntls-relay-client-ca-files: ${authorities}`,
  });
  const refused = await eventually(
    () => hubble('status', ...trusting),
    ({ exitCode }) => exitCode !== 0,
    limitMs,
  );
  assert.notEqual(refused.exitCode, 0);
  assert.equal(await nodes([...trusting, ...trusted]), listed('Enabled'));

  await set('hubble-relay-config', { 'config.yaml': 'disable-server-tls: true\ndisable-client-tls: true' });
  const apart = /node-1 Unavailable Enabled; .*node-2 Unavailable Enabled/;
  assert.match(
    await eventually(
      () => nodes(),
      (found) => apart.test(found),
      limitMs,
    ),
    apart,
  );
  await set('cilium-config', { 'hubble-disable-tls': 'true' });
  await nodesBecome(listed('Disabled'));
});

test('certificates are renewed while the cluster runs, and who follows flows loses nothing by it', {
  timeout,
}, async () => {
  await using cluster = await testCluster();
  const up = async (): Promise<void> => {
    const { exitCode, stderr } = await cluster.ciliate('up', '--detach');
    assert.equal(exitCode, 0, stderr);
  };
  const state = (file: string): string => path.join(cluster.home, 'state', file);
  const begunMs = Date.now();
  await up();
  const startMs = Date.now() - begunMs;
  for (const [name, data] of [
    ['cilium-config', { 'hubble-disable-tls': 'false' }],
    ['hubble-relay-config', { 'config.yaml': 'disable-server-tls: false' }],
  ] as const) {
    const patch = JSON.stringify({ data });
    const done = await cluster.kubectl('patch', 'configmap', name, '-n', 'kube-system', '--type=merge', '-p', patch);
    assert.equal(done.exitCode, 0, done.stderr);
  }
  await cluster.ciliate('down');
  const authority = {
    certificate: readFileSync(state('pki/ca.crt'), 'utf8'),
    privateKey: readFileSync(state('pki/ca.key'), 'utf8'),
  };
  // Two thirds of their life are over when the cluster has been running for a while.
  const dueMs = Date.now() + 5_000 + 3 * startMs;
  const old = new Set<string>();
  const relay = 'relay/files/var/lib/hubble-relay/tls';
  for (const [folder, usage, name] of [
    [relay, 'server', 'here.hubble-relay.cilium.io'],
    [relay, 'client', '*.hubble-relay.cilium.io'],
    ['agents/node-1/files/var/lib/cilium/tls/hubble', 'server', 'node-1.ciliate.hubble-grpc.cilium.io'],
  ] as const) {
    const { certificate, privateKey } = await issueCertificate(
      authority,
      { commonName: name, usage, dnsNames: [name] },
      { notBeforeMs: dueMs - 2 * 3_600_000, notAfterMs: dueMs + 3_600_000 },
    );
    writeFileSync(state(`${folder}/${usage}.key`), privateKey);
    writeFileSync(state(`${folder}/${usage}.crt`), certificate);
    old.add(new X509Certificate(certificate).serialNumber);
  }
  await up();
  const server = /HUBBLE_SERVER=(\S+)/.exec((await cluster.ciliate('env')).stdout)?.[1] ?? '';
  const trusting = [
    '--tls',
    '--tls-ca-cert-files',
    state('pki/ca.crt'),
    '--tls-server-name',
    'here.hubble-relay.cilium.io',
  ];
  const shown = async (): Promise<string> => {
    const [host, port] = server.split(':');
    const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  assert.ok(old.has(await shown()));

  const program = path.join(projectRoot, 'src/cli/ciliate.ts');
  const words = ['hubble', 'observe', '--follow', '-o', 'jsonpb', '--server', server, ...trusting];
  const follower = spawn(process.execPath, [program, ...words], { env: cluster.environment, stdio: 'pipe' });
  const ended = once(follower, 'exit');
  let lines = '';
  let faults = '';
  follower.stdout.setEncoding('utf8').on('data', (text: string) => (lines += text));
  follower.stderr.setEncoding('utf8').on('data', (text: string) => (faults += text));
  // The kubelet probes the cluster's DNS there.
  const flowsOfNode = (): number => lines.split('"node_name":"ciliate/node-1"').length - 1;
  try {
    assert.ok(await eventually(async () => !old.has(await shown()), Boolean, dueMs - Date.now() + limitMs));
    // Relay's new connection makes the node look at its files.
    const agentLog = path.join(cluster.home, 'logs/node-1-agent.log');
    const reread = async (): Promise<boolean> => {
      const { stdout } = await cluster.ciliate('hubble', 'status', '--server', server, ...trusting);
      return (
        stdout.includes('Connected Nodes: 2/2') &&
        readFileSync(agentLog, 'utf8').includes('TLS files of Hubble have changed')
      );
    };
    assert.ok(await eventually(reread, Boolean, limitMs));
    const before = flowsOfNode();
    const more = async (): Promise<boolean> => flowsOfNode() > before;
    assert.ok(await eventually(more, Boolean, limitMs), lines.slice(-2000));
    assert.doesNotMatch(lines, /"lost_events"|NODE_ERROR|NODE_UNAVAILABLE/);
    assert.equal(faults, '');
  } finally {
    follower.kill();
    await ended;
  }
});
