import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, projectRoot, testCluster } from './cluster.ts';

const timeout = 120_000;
/** Until something holds on a busy machine. */
const limitMs = 30_000;

/** The local port of a forwarder once it listens. */
async function forwardedPort({ stdout, stderr }: ChildProcess): Promise<string> {
  let said = '';
  for (const stream of [stdout, stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  const found = (): RegExpExecArray | null => /127\.0\.0\.1:(\d+) -> 4245/.exec(said);
  await eventually(async () => found() !== null, Boolean, limitMs);
  return found()?.[1] ?? assert.fail(said);
}

test('Relay is a pod of the Service hubble-relay, and a forwarded port leads to it', { timeout }, async () => {
  await using cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const kubectl = async (...words: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await cluster.kubectl('-n', 'kube-system', ...words);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  await kubectl('rollout', 'status', 'deployment/hubble-relay', '--timeout=30s');
  assert.match(
    await kubectl('get', 'service', 'hubble-relay'),
    /^hubble-relay +ClusterIP +10\.96\.\S+ +<none> +80\/TCP /m,
  );
  assert.match(await kubectl('get', 'pods', '-l', 'k8s-app=hubble-relay'), /^hubble-relay-\S+ +1\/1 +Running +0 /m);
  const status = await cluster.ciliate('cilium', 'status', '--wait');
  assert.match(status.stdout, /^Deployment +hubble-relay +Desired: 1, Ready: 1\/1, Available: 1\/1$/m);
  assert.match(status.stdout, /^Cluster Pods: +2\/2 managed by Cilium$/m);

  // A home without a cluster: the command knows the API server alone.
  const elsewhere = { ...cluster.environment, CILIATE_HOME: path.join(cluster.home, 'none') };
  const program = path.join(projectRoot, 'src/cli/ciliate.ts');
  const words = [program, 'hubble', 'status', '--port-forward', '--port-forward-port', '0'];
  const forwarded = spawnSync(process.execPath, words, { env: elsewhere, encoding: 'utf8', timeout: limitMs });
  assert.match(forwarded.stdout, /^Connected Nodes: 2\/2$/m, forwarded.stderr);

  const forward = spawn('kubectl', ['-n', 'kube-system', 'port-forward', 'service/hubble-relay', ':80'], {
    env: cluster.environment,
    stdio: 'pipe',
  });
  const ended = once(forward, 'exit');
  try {
    const server = `localhost:${await forwardedPort(forward)}`;
    const hubble = (...words: string[]): ReturnType<typeof cluster.ciliate> =>
      cluster.ciliate('hubble', ...words, '--server', server, '--timeout', '3s');
    const { stdout, stderr } = await hubble('status');
    assert.match(stdout, /^Connected Nodes: 2\/2$/m, stderr);
    const flows = await hubble('observe', '--last', '5', '-o', 'jsonpb');
    assert.match(flows.stdout, /"uuid"/, flows.stderr);
    // It follows the settings that Relay follows on the host.
    const patch = JSON.stringify({ data: { 'config.yaml': 'disable-server-tls: false' } });
    await kubectl('patch', 'configmap', 'hubble-relay-config', '--type=merge', '-p', patch);
    const refused = async (): Promise<boolean> => (await hubble('status')).exitCode !== 0;
    assert.ok(await eventually(refused, Boolean, limitMs));
    const secure = await hubble('status', '--tls', '--tls-allow-insecure');
    assert.match(secure.stdout, /^Connected Nodes: 2\/2$/m, secure.stderr);
  } finally {
    forward.kill();
    await ended;
  }

  assert.match(await kubectl('logs', 'deployment/hubble-relay'), /^Hubble Relay serves at port 4245/);
  await kubectl('delete', 'pods', '-l', 'k8s-app=hubble-relay');
  await kubectl('rollout', 'status', 'deployment/hubble-relay', '--timeout=30s');
  await kubectl('scale', 'deployment/hubble-relay', '--replicas=0');
  const none = (): Promise<string> => kubectl('get', 'pods', '-l', 'k8s-app=hubble-relay', '-o', 'name');
  assert.equal(await eventually(none, (names) => names === '', limitMs), '');
});
