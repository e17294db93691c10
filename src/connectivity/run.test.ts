import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { ok } from '../base/index.ts';
import type { KubeClient, ResourcePath } from '../kube/index.ts';
import { commandOf, exitFault } from './action.ts';
import { type Edges, RunFault } from './edges.ts';
import { defaultExternal, readManifests } from './manifests.ts';
import { widenPorts } from './port-ranges.ts';
import { reportText } from './report.ts';
import { runConnectivityTest } from './run.ts';
import { compileTestFilter } from './test-filter.ts';
import { connectivityTests } from './tests.ts';

test('--test selects by regular expression', () => {
  const cases: readonly [readonly string[], string, boolean][] = [
    [[], 'no-policies/pod-to-pod', true],
    [['egress-l7'], 'client-egress-l7/pod-to-pod', true],
    [['egress-l7'], 'client-egress/pod-to-pod', false],
    [['^dns', 'to-world'], 'client-egress-l7/pod-to-world', true],
    [['dns,l7'], 'client-egress-l7/pod-to-world', true],
    [['egress', '!l7'], 'client-egress-l7/pod-to-pod', false],
    [['!l7'], 'client-egress/pod-to-pod', true],
  ];
  for (const [values, name, expected] of cases) {
    const filter = compileTestFilter(values);
    assert.ok(filter.ok);
    assert.equal(filter.value.runs(name), expected, `${values} ${name}`);
  }
  const bad = compileTestFilter(['(']);
  assert.match(bad.ok ? '' : bad.error, /^--test "\(": /);
});

test('the report', () => {
  const counts = { testsRun: 2, testsSkipped: 5, scenariosSkipped: 1 };
  const good = { test: 'a', title: 'a/s/curl-ipv4-0: x -> y', ok: true };
  assert.equal(
    reportText({ ok: true, actions: [good], ...counts }),
    '\n✅ All 2 tests (1 actions) successful, 5 tests skipped, 1 scenarios skipped.\n',
  );
  const bad = { test: 'b', title: 'b/s/curl-ipv4-1: x -> y', ok: false, reason: 'why' };
  assert.equal(
    reportText({ ok: false, actions: [good, bad], ...counts }),
    '\n📋 Test Report\n❌ 1/2 tests failed (1/2 actions), 5 tests skipped, 1 scenarios skipped:\nTest [b]:\n  ❌ b/s/curl-ipv4-1: x -> y: why\nError: Connectivity test failed: 1 tests failed\n',
  );
});

const rendered = '/work/shared/data/walkthrough/rendered-seed-era-workloads.yaml';

test('our workloads have the names, labels, ports and placement of the originals', {
  skip: existsSync(rendered) ? false : `${rendered} is absent`,
}, () => {
  const { parseAllDocuments } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  interface Workload {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec?: {
      readonly ports?: unknown;
      readonly selector?: unknown;
      readonly template?: {
        readonly metadata: { readonly labels: unknown };
        readonly spec: { readonly affinity?: unknown };
      };
    };
  }
  const essence = (manifest: Workload): unknown => [
    manifest.kind,
    manifest.metadata,
    manifest.spec?.ports,
    manifest.spec?.selector,
    manifest.spec?.template?.metadata.labels,
    manifest.spec?.template?.spec.affinity,
  ];
  const byName = (manifests: readonly Workload[]): unknown[] =>
    manifests.map(essence).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const original = parseAllDocuments(readFileSync(rendered, 'utf8')).map((document) => document.toJS() as Workload);
  const ours = readManifests('workloads.yaml', { namespace: 'cilium-test', external: defaultExternal });
  const known = (ours as readonly Workload[]).filter(({ kind }) => kind !== 'ServiceAccount');
  // Later versions have one more label, by which a test chooses the server on the other node.
  const text = JSON.stringify(byName(known)).replace('"kind":"echo","first":"echo"', '"kind":"echo"');
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(byName(original))));
});

test('every policy of every test can be read and put into another namespace', () => {
  const external = {
    target: 'example.test',
    otherTarget: 'example.net',
    address: '198.51.100.1',
    otherAddress: '198.51.100.2',
    cidr: '198.51.100.0/24',
  };
  for (const file of new Set(connectivityTests.flatMap(({ policies }) => policies))) {
    for (const manifest of readManifests(file, { namespace: 'other', external })) {
      const isClusterwide = /^Cilium(CIDRGroup|Clusterwide)/.test(manifest.kind);
      assert.equal(manifest.metadata.namespace, isClusterwide ? undefined : 'other', file);
      assert.doesNotMatch(JSON.stringify(manifest), /one\.one\.one\.one|k8s\.io"|203\.0\.113|cilium-test/, file);
    }
  }
});

/** A cluster of canned answers: applied objects are in force at once. */
function fakeEdges(
  exitCodeOf: (command: readonly string[]) => number,
): Edges & { readonly output: () => string; readonly policies: string[] } {
  let output = '';
  let version = 1;
  const policies: string[] = [];
  const pods = [
    ['client-a', '10.0.0.1', { kind: 'client', name: 'client' }],
    ['client2-a', '10.0.0.2', { kind: 'client', name: 'client2', other: 'client' }],
    ['echo-same-node-a', '10.0.0.3', { kind: 'echo', name: 'echo-same-node' }],
  ] as const;
  const lists: Readonly<Record<string, readonly object[]>> = {
    nodes: [{ metadata: { name: 'n1' } }, { metadata: { name: 'n2' } }],
    pods: pods.map(([name, podIP, labels]) => ({
      metadata: { name, labels },
      status: { podIP, hostIP: '172.30.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
    })),
    services: [
      {
        metadata: { name: 'echo-same-node', labels: { kind: 'echo' } },
        spec: { clusterIP: '10.96.0.5', selector: { name: 'echo-same-node' }, ports: [{ port: 8080 }] },
      },
    ],
  };
  const kube = {
    get: async ({ resource }: ResourcePath) =>
      ok({
        metadata: { name: 'x' },
        ...(resource === 'deployments' && { status: { readyReplicas: 1, updatedReplicas: 1 } }),
      }),
    list: async ({ resource }: ResourcePath) => {
      const annotations = { 'ciliate.dev/observed-resource-version': String(version) };
      return ok({
        items: resource === 'ciliumnodes' ? [{ metadata: { name: 'n1', annotations } }] : (lists[resource] ?? []),
        resourceVersion: '1',
      });
    },
    patch: async ({ name = '' }: ResourcePath) => {
      policies.push(`+${name}`);
      return ok({ metadata: { name, resourceVersion: String(++version) } });
    },
    delete: async ({ name = '' }: ResourcePath) => {
      policies.push(`-${name}`);
      return ok({});
    },
  } as unknown as KubeClient;
  return {
    kube,
    exec: async (_pod, command) => ({ exitCode: exitCodeOf(command), stdout: '', stderr: '' }),
    hubble: () => Promise.reject(new Error('no relay')),
    write: (text) => {
      output += text;
    },
    now: () => 0,
    sleep: () => Promise.resolve(),
    signal: new AbortController().signal,
    output: () => output,
    policies,
  };
}

test('a run applies the policies, runs every action and removes the policies', async () => {
  const edges = fakeEdges((command) => (command.at(-1)?.startsWith('http://10.0.0.3') ? 0 : 28));
  const outcome = await runConnectivityTest(
    { context: 'ciliate', settings: {}, tests: ['client-egress$|client-egress/'], hubble: true },
    edges,
  );
  assert.deepEqual(
    [outcome.ok, outcome.actions.length, outcome.testsRun, outcome.testsSkipped],
    [true, 2, 1, connectivityTests.length - 1],
  );
  assert.deepEqual(edges.policies, [
    '+client-egress-to-echo',
    '-client-egress-to-echo',
    '+connectivity-test-fence',
    '-connectivity-test-fence',
  ]);
  assert.match(edges.output(), /⚠️ {2}Unable to contact Hubble Relay, [^\n]+: no relay\n/);
  assert.match(edges.output(), /\n\[=\] Skipping Test \[no-policies\]\n/);
  assert.match(edges.output(), /\n\[=\] Test \[client-egress\]\n\.\.\n/);
});

test('an action that does not do what was expected fails the run', async () => {
  const edges = fakeEdges(() => 0);
  const outcome = await runConnectivityTest(
    { context: 'ciliate', settings: {}, tests: ['egress-l7'], hubble: false },
    edges,
  );
  assert.equal(outcome.ok, false);
  assert.match(
    edges.output(),
    /❌ client-egress-l7\/pod-to-pod\/curl-ipv4-0: cilium-test\/client-a \(10\.0\.0\.1\) -> cilium-test\/echo-same-node-a \(10\.0\.0\.3:8080\): succeeded while it should have failed\n/,
  );
  await assert.rejects(
    runConnectivityTest({ context: 'ciliate', settings: {}, tests: ['nothing'] }, edges),
    /no test matches --test nothing; known: no-policies, /,
  );
});

test('exit codes', () => {
  const curl = {
    kind: 'curl',
    name: 'c',
    source: { namespace: 'n', name: 'p', address: '1', nodeAddress: '', labels: {} },
    target: '',
    targetLabels: {},
    targetAddresses: [],
    url: 'http://x/',
    path: '/',
    port: 80,
    method: 'GET',
    headers: [],
  } as const;
  const done = (exitCode: number) => ({ exitCode, stdout: '', stderr: '' });
  const cases = [
    ['ok', 0, undefined],
    ['ok', 7, 'failed: command terminated with exit code 7'],
    ['denied', 22, undefined],
    ['denied', 0, 'succeeded while it should have failed'],
    ['dropped', 28, undefined],
    ['dropped', 22, 'terminated with exit code 22 instead of 28'],
    ['http-error', 22, undefined],
    ['tls-error', 35, undefined],
    ['tls-error', 28, 'terminated with exit code 28 instead of 35'],
  ] as const;
  for (const [result, exitCode, expected] of cases) assert.equal(exitFault(curl, { result }, done(exitCode)), expected);
  assert.equal(commandOf(curl, { result: 'ok' }, { first: 1, last: 2 }).at(-1), 'http://x/');
});

test('ranges stand in the place of ports', () => {
  const cases: readonly [unknown, unknown][] = [
    [{ ports: [{ port: '8080', protocol: 'TCP' }] }, { ports: [{ port: '4096', endPort: 8191, protocol: 'TCP' }] }],
    [{ ports: [{ port: 8080 }] }, { ports: [{ port: 4096, endPort: 8191 }] }],
    [{ port: '80' }, { port: '64', endPort: 127 }],
    [
      { port: '53', name: '8080' },
      { port: '53', name: '8080' },
    ],
    [{ port: 'http-8080' }, { port: 'http-8080' }],
  ];
  for (const [manifest, expected] of cases) assert.deepEqual(widenPorts(manifest), expected);
});

test('a command that cannot be run ends the run', async () => {
  let commands = 0;
  const edges: Edges = {
    ...fakeEdges(() => 0),
    exec: async (_pod, command) => {
      if (command.at(-1)?.includes(':8080/') && ++commands > 4) throw new RunFault('exec failed');
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  };
  const run = runConnectivityTest(
    { context: 'ciliate', settings: {}, tests: ['echo-ingress-l7'], hubble: false },
    edges,
  );
  await assert.rejects(run, /exec failed/);
});

test('what a test requires must be enabled', async () => {
  const run = async (settings: Readonly<Record<string, string>>) => {
    const edges = fakeEdges(() => 1);
    const { testsRun } = await runConnectivityTest(
      { context: 'ciliate', settings, tests: ['host-firewall-ingress'], hubble: false },
      edges,
    );
    return testsRun;
  };
  assert.equal(await run({}), 0);
  assert.equal(await run({ 'enable-host-firewall': 'false' }), 0);
  assert.equal(await run({ 'enable-host-firewall': 'true' }), 1);
});
