import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, projectRoot, testCluster } from './cluster.ts';

const timeout = 180_000;

test('flows are exported to files of each node, which hubble observe reads', { timeout }, async () => {
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
  const patch = (data: Record<string, string>) =>
    cluster.kubectl(
      'patch',
      'configmap',
      'cilium-config',
      '-n',
      'kube-system',
      '--type=merge',
      '-p',
      JSON.stringify({ data }),
    );
  const flowLogs = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cilium-flowlog-config', namespace: 'kube-system' },
    data: {
      'flowlogs.yaml':
        'flowLogs: [{name: refused, filePath: /var/log/refused.log, includeFilters: [{verdict: [DROPPED], event_type: [{type: 129}]}]}]',
    },
  };
  await cluster.kubectlWithInput(JSON.stringify(flowLogs), 'apply', '-f', '-');
  const patched = await patch({
    'hubble-export-file-path': '/var/run/cilium/hubble/events.log',
    'hubble-export-denylist': '{"source_pod":["kube-system/"]} {"destination_pod":["kube-system/"]}',
    'hubble-flowlogs-config-path': '/flowlog-config/flowlogs.yaml',
  });
  assert.equal(patched.exitCode, 0, patched.stderr);
  const { stdout: nodes } = await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}');
  const filesOf = (file: string): string[] =>
    nodes
      .split(' ')
      .map((node) => path.join(cluster.home, 'state/agents', node, 'files', file))
      .filter((name) => existsSync(name));
  const textOf = (file: string): string =>
    filesOf(file)
      .map((name) => readFileSync(name, 'utf8'))
      .join('');

  const asked = await eventually(
    async () => cluster.status('client2', 'http://echo-same-node:8080/secret'),
    () => textOf('var/log/refused.log').includes('/secret'),
    20_000,
  );
  assert.equal(asked, '403');
  const refused = textOf('var/log/refused.log').trim().split('\n');
  assert.ok(refused.every((line) => line.startsWith('{"flow":{"time":') && line.includes('"verdict":"DROPPED"')));
  const all = textOf('var/run/cilium/hubble/events.log');
  assert.match(all, /"Type":"L3_L4"/);
  assert.doesNotMatch(all, /"namespace":"kube-system"/);

  for (const file of filesOf('var/log/refused.log')) {
    const printed = await cluster.hubble('observe', '--input-file', file, '-o', 'jsonpb');
    assert.equal(`${printed.join('\n')}\n`, readFileSync(file, 'utf8'), 'a line that is read and printed is the same');
  }

  await patch({ 'hubble-export-file-max-size-mb': 'big' });
  const { exitCode } = await eventually(
    () => cluster.kubectl('get', 'nodes'),
    () =>
      readFileSync(path.join(cluster.home, 'logs', `${nodes.split(' ')[0]}-agent.log`), 'utf8').includes(
        'hubble-export-file-max-size-mb',
      ),
  );
  assert.equal(exitCode, 0);
  const log = readFileSync(path.join(cluster.home, 'logs', `${nodes.split(' ')[0]}-agent.log`), 'utf8');
  assert.match(log, /hubble-export-file-max-size-mb: found \\"big\\"; allowed: a whole number/);
});
