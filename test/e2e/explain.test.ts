import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { policyCommand } from '../../src/cli/policy/index.ts';
import { createClient, type KubeClient, loadKubeConfig, runInPod } from '../../src/kube/index.ts';
import type { Explanation, Part } from '../../src/plan/index.ts';
import { eventually, type TestCluster, testCluster } from './cluster.ts';

const namespace = 'ask';
const outside = '203.0.113.10';
const otherOutside = '203.0.113.11';
const pods = ['free', 'web', 'led', 'names', 'barred', 'near', 'far', 'guarded', 'sealed'];

/** What a client meets: the answer of a server or of a route, a refusal of policy, a backend that the proxy does not reach, nothing. */
type Met = 'answer' | '403' | '503' | 'nothing';

interface Asked {
  readonly from: string;
  /** As for explain. */
  readonly to: string;
  readonly port?: number;
  readonly path?: string;
  readonly method?: string;
  readonly header?: string;
  /** What the client has to meet, said here by hand: the third opinion. */
  readonly meets: readonly Met[];
}

const questions: readonly Asked[] = [
  // Pods, without policy, by HTTP rules of either end, by rules that deny, by a NetworkPolicy.
  { from: 'free', to: 'pod/near', port: 8080, meets: ['answer'] },
  { from: 'free', to: 'pod/far', port: 8080, meets: ['answer'] },
  { from: 'web', to: 'pod/near', port: 8080, path: '/public', meets: ['answer'] },
  { from: 'web', to: 'pod/far', port: 8080, path: '/private', meets: ['403'] },
  { from: 'web', to: 'pod/far', port: 8080, path: '/private', header: 'X-Team: a', meets: ['answer'] },
  { from: 'web', to: 'pod/near', port: 8080, path: '/public', method: 'POST', meets: ['403'] },
  { from: 'web', to: 'pod/near', port: 9090, meets: ['nothing'] },
  { from: 'free', to: 'pod/guarded', port: 8080, path: '/public', meets: ['answer'] },
  { from: 'free', to: 'pod/guarded', port: 8080, path: '/private', meets: ['403'] },
  { from: 'web', to: 'pod/guarded', port: 8080, path: '/private', header: 'X-Team: a', meets: ['403'] },
  { from: 'barred', to: 'pod/guarded', port: 8080, path: '/public', meets: ['nothing'] },
  { from: 'barred', to: 'pod/far', port: 8080, meets: ['nothing'] },
  { from: 'barred', to: 'pod/sealed', port: 8080, meets: ['answer'] },
  { from: 'free', to: 'pod/sealed', port: 8080, meets: ['nothing'] },
  { from: 'web', to: 'pod/sealed', port: 8080, path: '/public', meets: ['403'] },
  // Services, by name, address and a port of a node.
  { from: 'free', to: 'service/guarded', path: '/public', meets: ['answer'] },
  { from: 'web', to: 'service/near', path: '/private', meets: ['403'] },
  { from: 'barred', to: 'service/far', meets: ['nothing'] },
  { from: 'names', to: 'service/far', meets: ['answer'] },
  { from: 'names', to: 'service/near', meets: ['nothing'] },
  { from: 'free', to: '172.30.0.2', port: 30_080, meets: ['answer'] },
  { from: 'barred', to: '172.30.0.1', port: 30_080, meets: ['nothing'] },
  // Addresses of the outside.
  { from: 'web', to: outside, port: 80, meets: ['answer'] },
  { from: 'web', to: otherOutside, port: 80, meets: ['nothing'] },
  { from: 'barred', to: outside, port: 80, meets: ['answer'] },
  { from: 'barred', to: otherOutside, port: 80, meets: ['nothing'] },
  { from: 'names', to: 'k8s.io', port: 80, meets: ['nothing'] },
  // A Service that an Envoy configuration has taken over.
  { from: 'web', to: 'service/shop', path: '/near', meets: ['answer'] },
  { from: 'web', to: 'service/shop', path: '/raw', meets: ['403'] },
  { from: 'web', to: 'service/shop', path: '/moved', meets: ['answer'] },
  { from: 'web', to: 'service/shop', path: '/nowhere', meets: ['answer'] },
  { from: 'barred', to: 'service/shop', path: '/far', meets: ['403'] },
  { from: 'names', to: 'service/shop', path: '/near', meets: ['403'] },
  { from: 'free', to: 'service/shop', path: '/guarded', meets: ['answer'] },
  { from: 'free', to: 'service/shop', path: '/guarded/private', meets: ['403'] },
  { from: 'barred', to: 'service/shop', path: '/guarded', meets: ['503'] },
  { from: 'free', to: 'service/shop', path: '/sealed', meets: ['403'] },
  { from: 'free', to: 'service/shop', path: '/split', meets: ['answer', '403'] },
  { from: 'web', to: 'service/shop', path: '/some', meets: ['answer', '403'] },
  // A rule that names the listener of an Envoy configuration.
  { from: 'led', to: 'pod/guarded', port: 8080, path: '/public', meets: ['answer'] },
  { from: 'led', to: 'pod/guarded', port: 8080, path: '/private', meets: ['403'] },
  { from: 'led', to: 'pod/guarded', port: 8080, path: '/rewritten', meets: ['answer'] },
  { from: 'led', to: 'service/guarded', path: '/rewritten', meets: ['answer'] },
  { from: 'led', to: 'pod/guarded', port: 8080, path: '/to-near', meets: ['answer'] },
  { from: 'led', to: 'pod/near', port: 8080, path: '/to-far', meets: ['403'] },
  { from: 'led', to: 'pod/near', port: 8080, path: '/moved', meets: ['answer'] },
  { from: 'led', to: 'pod/sealed', port: 8080, path: '/public', meets: ['403'] },
  { from: 'led', to: 'pod/near', port: 9090, meets: ['nothing'] },
  { from: 'led', to: 'pod/far', port: 8080, path: '/to-near', meets: ['nothing'] },
];

let cluster: TestCluster;
let client: KubeClient;
let addresses: ReadonlyMap<string, string>;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--no-uplink', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const access = loadKubeConfig(path.join(cluster.home, 'kubeconfig'));
  assert.ok(access.ok);
  client = createClient(access.value);
  const manifest = readFileSync(path.join(import.meta.dirname, 'explain.yaml'), 'utf8');
  const applied = await cluster.kubectlWithInput(manifest, 'apply', '-f', '-');
  assert.equal(applied.exitCode, 0, applied.stderr);
  addresses = await eventually(readAddresses, (found) => found.size === pods.length + 5, 30_000);
  assert.equal(addresses.size, pods.length + 5, [...addresses.keys()].join());
});

after(async () => {
  client?.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** `pod/NAME` of those that are ready and `service/NAME`, with their addresses. */
async function readAddresses(): Promise<ReadonlyMap<string, string>> {
  interface Found {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly clusterIP?: string };
    readonly status?: { readonly podIP?: string; readonly conditions?: readonly { type: string; status: string }[] };
  }
  const [running, services] = await Promise.all(
    ['pods', 'services'].map((resource) => client.list<Found>({ group: '', version: 'v1', resource, namespace })),
  );
  assert.ok(running?.ok && services?.ok);
  const isReady = ({ status }: Found) =>
    status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
  return new Map([
    ...running.value.items
      .filter(isReady)
      .map(({ metadata, status }) => [`pod/${metadata.name}`, status?.podIP ?? ''] as const),
    ...services.value.items.map(({ metadata, spec }) => [`service/${metadata.name}`, spec.clusterIP ?? ''] as const),
  ]);
}

/** What so many requests meet, one after the other. */
async function met(
  { from, to, port = 80, path: target = '/', method = 'GET', header }: Asked,
  times: number,
): Promise<readonly Met[]> {
  const address = addresses.get(to);
  // A Service goes by its name, which policy does not let every client ask for.
  const name = to.startsWith('service/') ? to.slice('service/'.length) : (address ?? to);
  const command = [
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} ',
    '--connect-timeout',
    '1',
    '--max-time',
    '15',
  ];
  if (address !== undefined) command.push('--resolve', `${name}:${port}:${address}`);
  command.push('-X', method, ...(header === undefined ? [] : ['-H', header]));
  const done = await runInPod(client, {
    namespace,
    pod: from,
    command: [...command, `http://${name}:${port}${target}${times > 1 ? `#[1-${times}]` : ''}`],
  });
  assert.ok(done.ok, done.ok ? '' : done.error.message);
  const statuses = done.value.stdout.trim().split(' ');
  const kinds = statuses.map((status) =>
    status === '000' ? 'nothing' : status === '403' || status === '503' ? status : 'answer',
  );
  return [...new Set(kinds)].sort();
}

async function explained({ from, to, port, path: target = '/', method = 'GET', header }: Asked) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const argv = ['explain', '-n', namespace, '--from', from, '--to', to, '--http', `${method} ${target}`, '-o', 'json'];
  if (port !== undefined) argv.push('--port', String(port));
  if (header !== undefined) argv.push('--header', header);
  const io = { stdin: Readable.from([]), stdout, stderr, environment: cluster.environment };
  const code = await policyCommand(argv, io);
  const text = String(stdout.read() ?? '');
  assert.ok(text !== '', String(stderr.read()));
  return { code, explanation: JSON.parse(text) as Explanation };
}

/** What the client would have to meet if explain were right. */
function predicted({ parts }: Explanation): readonly Met[] {
  const query = parts.find(({ title }) => title.startsWith('DNS query'));
  if (query && !query.allowed) return ['nothing'];
  return [...new Set(parts.filter((part) => part !== query).map(metAt))].sort();
}

function metAt({ steps, taken }: Part): Met {
  const denial = steps.find(({ verdict }) => verdict === 'denied');
  if (!denial) return taken?.reply?.status === 503 ? '503' : 'answer';
  const status = /the answer is (\d+)/.exec(denial.reason)?.[1];
  return status === '403' || status === '503' ? status : 'nothing';
}

/** Looks at the question until client and explain meet the same: policies take a moment. */
async function compare(question: Asked): Promise<string | undefined> {
  const { code, explanation } = await explained(question);
  const expected = predicted(explanation);
  const observed = await eventually(
    () => met(question, question.meets.length > 1 ? 24 : 1),
    (found) => found.join() === [...question.meets].sort().join(),
    6_000,
  );
  const isRight = expected.join() === observed.join() && code === (observed.join() === 'answer' ? 0 : 2);
  const isMeant = observed.join() === [...question.meets].sort().join();
  if (isRight && isMeant) return undefined;
  const { meets, ...asked } = question;
  return `${JSON.stringify(asked)}: explain says ${expected} (exit ${code}), the client meets ${observed}, meant is ${meets}`;
}

test('what explain says is what the client meets', async () => {
  const waiting = [...questions];
  const wrong: string[] = [];
  const work = async (): Promise<void> => {
    for (let question = waiting.shift(); question; question = waiting.shift()) {
      const fault = await compare(question);
      if (fault !== undefined) wrong.push(fault);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  assert.deepEqual(wrong, []);
});

test('an address is judged by what its node has learnt, before and after', async () => {
  const byAddress = { from: 'names', to: outside, port: 80 };
  assert.equal(await compare({ ...byAddress, meets: ['nothing'] }), undefined);
  assert.deepEqual((await explained({ ...byAddress, meets: [] })).explanation.learntFor, { node: 'node-2', names: [] });
  assert.equal(await compare({ from: 'names', to: 'one.one.one.one', port: 80, meets: ['answer'] }), undefined);
  assert.equal(await compare({ ...byAddress, meets: ['answer'] }), undefined);
  const { explanation } = await explained({ ...byAddress, meets: [] });
  assert.deepEqual(explanation.learntFor, { node: 'node-2', names: ['one.one.one.one.'] });
});
