import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';
import { labelsAsked, labelsServed, samplesOf } from './metrics-text.ts';

const examples = path.join(projectRoot, 'examples');
const policies = ['client-egress-l7-http', 'client-egress-only-dns'].map((name) => path.join(examples, `${name}.yaml`));

const denial = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'no-clients', namespace: 'cilium-test' },
  spec: {
    endpointSelector: { matchLabels: { name: 'echo-other-node' } },
    ingress: [{ fromEntities: ['all'] }],
    ingressDeny: [{ fromEndpoints: [{ matchLabels: { kind: 'client' } }] }],
  },
};

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  assert.equal((await cluster.kubectl('apply', '-f', path.join(examples, 'workloads.yaml'))).exitCode, 0);
  await statusOf('echo-same-node:8080/', '200', 60_000);
  await statusOf('echo-other-node:8080/', '200', 60_000);
  for (const file of policies) assert.equal((await cluster.kubectl('apply', '-f', file)).exitCode, 0);
  await statusOf('echo-same-node:8080/foo', '403');
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function statusOf(url: string, wanted: string, limitMs?: number): Promise<void> {
  const ask = () => cluster.status('client2', url);
  assert.equal(await eventually(ask, (status) => status === wanted, limitMs), wanted, url);
}

test('the 403 is the one that users of Cilium know, or says what the operator wants', async () => {
  const ask = async (...options: string[]): Promise<string> =>
    (await cluster.exec('client2', 'curl', '-s', '-i', ...options, 'http://echo-same-node:8080/foo')).stdout;
  const head = (length: number) =>
    new RegExp(`^HTTP/1\\.1 403 Forbidden\r\ncontent-length: ${length}\r\ncontent-type: text/plain\r\n`);
  const denied = await ask();
  assert.match(denied, head(15));
  assert.ok(denied.endsWith('\r\n\r\nAccess denied\r\n'), denied);
  const bare = await ask('--head');
  assert.match(bare, head(15));
  assert.ok(bare.endsWith('\r\n\r\n') && !bare.includes('Access denied'), bare);
  const message = (text: string) => cluster.ciliate('cilium', 'config', 'set', 'http-403-msg', text);
  assert.equal((await message('ask team-a')).exitCode, 0);
  const told = await eventually(ask, (text) => text.includes('ask team-a'));
  assert.match(told, head(12));
  assert.ok(told.endsWith('\r\n\r\nask team-a\r\n'), told);
  assert.equal((await message('Access denied')).exitCode, 0);
  assert.ok((await eventually(ask, (text) => text.includes('Access denied'))).endsWith('Access denied\r\n'));
});

type Flow = { readonly verdict: string } & {
  readonly [field in `${'egress' | 'ingress'}_${'allowed' | 'denied'}_by`]?: readonly Policy[];
};
interface Policy {
  readonly name: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly labels: readonly string[];
  readonly revision?: string;
}

/** The first of the last flows that `holds`. */
async function flowWhere(holds: (flow: Flow) => boolean, ...args: readonly string[]): Promise<Flow | undefined> {
  const ask = async () => {
    const lines = await cluster.hubble('observe', '--last', '500', '-o', 'json', ...args);
    return lines.map((line) => (JSON.parse(line) as { flow?: Flow }).flow).find((flow) => flow && holds(flow));
  };
  return eventually(ask, (flow) => flow !== undefined);
}

const places = (policy: Policy | undefined) => policy?.labels.filter((label) => label.startsWith('ciliate:rule='));

test('flows name the policies that decided and the places of their rules', async () => {
  await statusOf('echo-same-node:8080/', '200');
  const redirected = await flowWhere(
    ({ egress_allowed_by: by }) => by?.[0]?.name === 'client-egress-l7-http',
    '--type',
    'policy-verdict',
  );
  assert.deepEqual(places(redirected?.egress_allowed_by?.[0]), ['ciliate:rule=spec.egress[0].toPorts[0]']);
  const request = await flowWhere(
    ({ egress_allowed_by: by }) => by?.[0]?.name === 'client-egress-l7-http',
    '--protocol',
    'http',
  );
  const [policy] = request?.egress_allowed_by ?? [];
  assert.deepEqual([policy?.kind, policy?.namespace], ['CiliumNetworkPolicy', 'cilium-test']);
  assert.deepEqual(places(policy), ['ciliate:rule=spec.egress[0].toPorts[0].rules.http[0]']);
  assert.ok(Number(policy?.revision) > 0, JSON.stringify(policy));
  const refused = await flowWhere(({ verdict }) => verdict === 'DROPPED', '--protocol', 'http');
  assert.deepEqual(
    [refused?.egress_denied_by?.[0]?.name, refused?.egress_allowed_by],
    ['client-egress-l7-http', undefined],
  );
  assert.deepEqual(places(refused?.egress_denied_by?.[0]), ['ciliate:rule=spec.egress[0].toPorts[0]']);
  const lines = await cluster.hubble('observe', '--last', '500', '--type', 'policy-verdict', '--print-policy-names');
  assert.ok(
    lines.some((line) => line.includes('ALLOWED BY client-egress-l7-http (CiliumNetworkPolicy)')),
    lines.join('\n'),
  );
});

test('explain says about the running cluster what it does', async () => {
  const explain = (...args: string[]) =>
    cluster.ciliate('policy', 'explain', '-n', 'cilium-test', '--from', 'client2', ...args);
  const refused = await explain('--to', 'service/echo-same-node', '--http', 'GET /foo');
  assert.equal(refused.exitCode, 2, refused.stderr);
  assert.match(
    refused.stdout,
    /near miss +CiliumNetworkPolicy cilium-test\/client-egress-l7-http .*http\[0\]: its path has to be \//,
  );
  const passed = await explain('--to', 'service/echo-same-node', '--http', 'GET /');
  assert.equal(passed.exitCode, 0, passed.stdout + passed.stderr);
  const name = await explain('--to', 'one.one.one.one', '--port', '80', '--http', 'GET /');
  assert.equal(name.exitCode, 0, name.stdout + name.stderr);
});

const closed = 'http://echo-other-node:8080/';

test('a denial on the other node is named in its flows and by explain', async () => {
  assert.equal((await cluster.kubectlWithInput(JSON.stringify(denial), 'apply', '-f', '-')).exitCode, 0);
  // The data plane tries to connect four times before it gives up.
  const ask = () => cluster.exec('client2', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-m', '20', closed);
  assert.equal((await eventually(ask, ({ stdout }) => stdout === '503', 30_000)).stdout, '503');
  const dropped = await flowWhere(
    ({ ingress_denied_by: by }) => by?.[0]?.name === 'no-clients',
    '--verdict',
    'DROPPED',
  );
  assert.deepEqual(places(dropped?.ingress_denied_by?.[0]), ['ciliate:rule=spec.ingressDeny[0]']);
  const told = await cluster.ciliate(
    'policy',
    'explain',
    '-n',
    'cilium-test',
    '--from',
    'client2',
    '--to',
    'service/echo-other-node',
    '--http',
    'GET /',
  );
  assert.equal(told.exitCode, 2);
  assert.match(
    told.stdout,
    /ingress L3\/L4 .*DENIED +a rule denies it: the answer is 503\n +by +CiliumNetworkPolicy cilium-test\/no-clients {2}spec\.ingressDeny\[0\]/,
  );
});

async function scrape(node: string, port: number): Promise<string> {
  const path = `/api/v1/nodes/${node}:${port}/proxy/metrics`;
  const { stdout, stderr, exitCode } = await cluster.kubectl('get', '--raw', path);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

test('every node can be scraped, and shows what happened', async () => {
  await statusOf('echo-same-node:8080/', '200');
  await statusOf('echo-same-node:8080/foo', '403');
  const hubble = async () => (await Promise.all(['node-1', 'node-2'].map((node) => scrape(node, 9965)))).map(samplesOf);
  const sum = (all: readonly ReadonlyMap<string, number>[], wanted: RegExp): number =>
    all
      .flatMap((samples) => [...samples])
      .reduce((total, [series, value]) => total + (wanted.test(series) ? value : 0), 0);
  const answered =
    /^hubble_http_requests_total\{.*source_workload="client2".*destination_workload="echo-same-node".*status="200"\}$/;
  const seen = await eventually(hubble, (all) => sum(all, answered) > 0);
  assert.ok(sum(seen, answered) > 0);
  assert.ok(sum(seen, /^hubble_policy_verdicts_total\{direction="egress",match="l7\/http",action="dropped"\}$/) > 0);
  assert.ok(sum(seen, /^hubble_dns_responses_total\{rcode="No Error"/) > 0);
  for (const node of ['node-1', 'node-2']) {
    const agent = samplesOf(await scrape(node, 9962));
    assert.ok((agent.get('cilium_endpoint_state{endpoint_state="ready"}') ?? 0) > 0);
    assert.equal(agent.get('cilium_endpoint'), agent.get('cilium_endpoint_state{endpoint_state="ready"}'));
    const rounds = 'cilium_endpoint_regeneration_time_stats_seconds_count{scope="total",status="success"}';
    assert.ok((agent.get(rounds) ?? 0) > 0);
    assert.ok([...samplesOf(await scrape(node, 9964)).keys()].some((series) => series.startsWith('envoy_server_live')));
  }
  const agents = (await Promise.all(['node-1', 'node-2'].map((node) => scrape(node, 9962)))).map(samplesOf);
  assert.ok(sum(agents, /^cilium_policy_l7_total\{rule="denied",proxy_type="envoy"\}$/) > 0);
  assert.ok(sum(agents, /^cilium_policy_l7_total\{rule="forwarded",proxy_type="fqdn"\}$/) > 0);
  const refused = await cluster.kubectl('get', '--raw', '/api/v1/nodes/node-1/proxy/metrics');
  assert.match(refused.stderr, /a port is needed, as in nodes\/NAME:9965\/proxy\/metrics/);
});

test('the dashboard asks for no metric and no label that the nodes do not have', async () => {
  const dashboard: unknown = JSON.parse(readFileSync(path.join(examples, 'monitoring/dashboard.json'), 'utf8'));
  const scrapes = ['node-1', 'node-2'].flatMap((node) => [9962, 9964, 9965].map((port) => scrape(node, port)));
  const served = labelsServed((await Promise.all(scrapes)).map(samplesOf));
  const asked = labelsAsked(dashboard);
  assert.ok(asked.size > 10);
  const missing = [...asked].flatMap(([name, labels]) => {
    const known = served.get(name);
    if (!known) return [name];
    return [...labels].filter((label) => !known.has(label)).map((label) => `${name}{${label}}`);
  });
  assert.deepEqual(missing, []);
});

test('endpoints and identities show what users look at, and unused identities go', async () => {
  const endpoints = await cluster.kubectl('get', 'cep', '-n', 'cilium-test', '-o', 'wide');
  const header = /^NAME +SECURITY IDENTITY +INGRESS ENFORCEMENT +EGRESS ENFORCEMENT +ENDPOINT STATE +IPV4 +IPV6/;
  assert.match(endpoints.stdout, header);
  assert.match(endpoints.stdout, /^client2-\S+ +\d+ +non-enforcing +enforcing +ready +10\.244\.\d+\.\d+/m);
  assert.match(endpoints.stdout, /^echo-other-node-\S+ +\d+ +enforcing +non-enforcing +ready/m);
  const id = /^client2-\S+ +(\d+)/m.exec(endpoints.stdout)?.[1] ?? '';
  const identities = async () => (await cluster.kubectl('get', 'ciliumidentities')).stdout;
  assert.match(await identities(), new RegExp(`^${id} +cilium-test +\\S+$`, 'm'));
  for (const [key, value] of [
    ['identity-gc-interval', '1s'],
    ['identity-heartbeat-timeout', '2s'],
  ] as const) {
    assert.equal((await cluster.ciliate('cilium', 'config', 'set', key, value)).exitCode, 0);
  }
  assert.equal((await cluster.kubectl('delete', 'deployment', 'client2', '-n', 'cilium-test')).exitCode, 0);
  const left = await eventually(identities, (text) => !new RegExp(`^${id} `, 'm').test(text), 60_000);
  assert.doesNotMatch(left, new RegExp(`^${id} `, 'm'));
  assert.match(left, /cilium-test/);
});
