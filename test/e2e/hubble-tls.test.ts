import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, type Output, testCluster } from './cluster.ts';

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
