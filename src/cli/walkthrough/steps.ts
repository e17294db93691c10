import path from 'node:path';
import type { Step, Walker } from './walker.ts';

const namespace = 'cilium-test';
const services = ['echo-same-node', 'echo-other-node'] as const;
const examples = path.resolve(import.meta.dirname, '../../../examples');
const policies = [
  path.join(examples, 'client-egress-l7-http.yaml'),
  path.join(examples, 'client-egress-only-dns.yaml'),
];
const envoyConfig = path.join(examples, 'envoy-test.yaml');
const sharedRequests = 1000;
const shareMin = 0.45;
const shareMax = 0.55;

/** The walk through Layer-7 traffic management, step by step as a user would type it. */
export const steps: readonly Step[] = [
  { title: 'the connectivity test for Layer-7 egress', run: connectivityTest },
  { title: 'the workloads on two nodes', run: workloads },
  { title: 'requests without any policy', run: withoutPolicy },
  { title: 'a Layer-7 policy allows GET / and nothing else', run: withPolicy },
  { title: 'a CiliumEnvoyConfig rewrites paths and splits the load', run: withEnvoyConfig },
  { title: 'everything is taken back', run: takenBack },
];

async function connectivityTest(walker: Walker): Promise<void> {
  const { exitCode, stdout, stderr } = await walker.cilium('connectivity', 'test', '--test', 'egress-l7');
  walker.say(stdout);
  walker.check('the test passes', exitCode === 0, stderr);
}

async function workloads(walker: Walker): Promise<void> {
  const { stdout } = await walker.kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    'kind in (client, echo)',
    '--show-labels',
    '-o',
    'wide',
  );
  walker.say(stdout);
  const rows = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s{2,}/));
  walker.check(
    'four pods are Running 1/1',
    rows.length === 4 && rows.every((row) => row[1] === '1/1' && row[2] === 'Running'),
  );
  const nodeOf = (name: string): string | undefined =>
    rows.find((row) => new RegExp(`^${name}-[a-z0-9]+-`).test(row[0] ?? ''))?.[6];
  const near = [nodeOf('client'), nodeOf('client2'), nodeOf('echo-same-node')];
  walker.check(
    'the clients and echo-same-node share a node',
    near[0] !== undefined && near.every((node) => node === near[0]),
    near.join(', '),
  );
  walker.check(
    'echo-other-node is on the other',
    nodeOf('echo-other-node') !== undefined && nodeOf('echo-other-node') !== near[0],
  );
}

async function withoutPolicy(walker: Walker): Promise<void> {
  const client2 = await podName(walker, 'client2');
  const since = new Date().toISOString();
  for (const service of services) {
    await expectStatus(walker, client2, `${service}:8080/`, '200');
    await expectStatus(walker, client2, `${service}:8080/foo`, '404');
  }
  const wanted = ['to-stack', 'to-overlay', 'to-endpoint'];
  const lines = await flows(walker, ['--from-pod', `${namespace}/${client2}`, '--since', since], (found) =>
    wanted.every((point) => found.some((line) => line.includes(` ${point} `))),
  );
  show(walker, lines);
  for (const point of wanted)
    walker.check(
      `Hubble shows ${point}`,
      lines.some((line) => line.includes(` ${point} `)),
    );
  // A connection of the connectivity test's to elsewhere may end only now.
  const own = lines.filter((line) => / -> (?:cilium-test\/echo-|kube-system\/coredns-)/.test(line));
  const strange = own.find((line) => !/ (?:to|from)-(?:stack|overlay|endpoint) FORWARDED /.test(line));
  walker.check('and nothing but to-stack, to-overlay, to-endpoint', strange === undefined, strange);
}

async function withPolicy(walker: Walker): Promise<void> {
  const client2 = await podName(walker, 'client2');
  for (const file of policies) await expectSuccess(walker, 'apply', '-f', file);
  await denied(walker, client2, 'echo-same-node:8080/foo');
  const since = new Date().toISOString();
  for (const service of services) await expectStatus(walker, client2, `${service}:8080/`, '200');
  await expectBody(walker, client2, 'echo-same-node:8080/foo', '403', 'Access denied');
  const wanted = [
    'to-proxy FORWARDED',
    'dns-request proxy FORWARDED',
    'http-request FORWARDED (HTTP/1.1 GET http://echo-same-node:8080/)',
    'http-request DROPPED (HTTP/1.1 GET http://echo-same-node:8080/foo)',
    'http-response FORWARDED (HTTP/1.1 200 ',
  ];
  await expectFlows(walker, ['--pod', `${namespace}/${client2}`, '--since', since], wanted);
  const client = await podName(walker, 'client');
  const { stdout } = await curl(walker, client, ['--connect-timeout', '1'], 'echo-same-node:8080/');
  walker.check('from client the connection does not come about', stdout === '000', stdout);
  await expectFlows(walker, ['--from-pod', `${namespace}/${client}`, '--since', since], ['Policy denied DROPPED']);
}

async function withEnvoyConfig(walker: Walker): Promise<void> {
  const client2 = await podName(walker, 'client2');
  await expectSuccess(walker, 'apply', '-f', envoyConfig);
  await walker.until(
    () => curl(walker, client2, [], 'echo-same-node:8080/foo'),
    ({ stdout }) => stdout === '200',
  );
  const since = new Date().toISOString();
  for (const service of services) {
    await expectStatus(walker, client2, `${service}:8080/foo`, '200');
    await expectBody(walker, client2, `${service}:8080/bar`, '403', 'Access denied');
  }
  await expectFlows(
    walker,
    ['--from-pod', `${namespace}/${client2}`, '--since', since],
    [
      'http-request FORWARDED (HTTP/1.1 GET http://echo-same-node:8080/)',
      'http-request DROPPED (HTTP/1.1 GET http://echo-same-node:8080/bar)',
    ],
  );
  await expectSplit(walker, client2);
}

/** Requests to one Service reach both backends: Hubble names the chosen pod of each. */
async function expectSplit(walker: Walker, client2: string): Promise<void> {
  const since = new Date().toISOString();
  const script = `yes 'echo-same-node:8080/ -o /dev/null' | head -${sharedRequests} | xargs curl -s -w '%{http_code}\\n' | sort | uniq -c`;
  const { stdout } = await walker.kubectl('exec', '-n', namespace, client2, '--', 'sh', '-c', script);
  walker.say(stdout.trim());
  const query = [
    '--from-pod',
    `${namespace}/${client2}`,
    '--protocol',
    'http',
    '--verdict',
    'FORWARDED',
    '--since',
    since,
  ];
  const chosen = (lines: readonly string[]): number[] =>
    services.map((service) => lines.filter((line) => line.includes(`-> ${namespace}/${service}-`)).length);
  const lines = await flows(
    walker,
    query,
    (found) => chosen(found).reduce((sum, count) => sum + count, 0) >= sharedRequests,
  );
  const counts = chosen(lines);
  const total = counts.reduce((sum, count) => sum + count, 0);
  for (const [index, service] of services.entries()) {
    const share = (counts[index] ?? 0) / total;
    const percent = `${(share * 100).toFixed(1)} %`;
    walker.check(
      `${service} served ${counts[index]} of ${total} requests to echo-same-node (${percent})`,
      share >= shareMin && share <= shareMax,
      percent,
    );
  }
}

async function takenBack(walker: Walker): Promise<void> {
  const client2 = await podName(walker, 'client2');
  await expectSuccess(walker, 'delete', '-f', envoyConfig);
  await denied(walker, client2, 'echo-same-node:8080/foo');
  for (const file of policies) await expectSuccess(walker, 'delete', '-f', file);
  await walker.until(
    () => curl(walker, client2, [], 'echo-same-node:8080/foo'),
    ({ stdout }) => stdout === '404',
  );
  await withoutPolicy(walker);
}

async function podName(walker: Walker, name: string): Promise<string> {
  const { stdout } = await walker.kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    `name=${name}`,
    '-o',
    'jsonpath={.items[0].metadata.name}',
  );
  if (stdout === '') throw new Error(`there is no pod ${name} in ${namespace}`);
  return stdout;
}

function curl(walker: Walker, pod: string, flags: readonly string[], url: string) {
  return walker.kubectl(
    'exec',
    '-n',
    namespace,
    pod,
    '--',
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '--max-time',
    '5',
    ...flags,
    url,
  );
}

async function expectStatus(walker: Walker, pod: string, url: string, status: string): Promise<void> {
  const { stdout } = await curl(walker, pod, [], url);
  walker.check(`${url} answers ${status}`, stdout === status, stdout);
}

async function expectBody(walker: Walker, pod: string, url: string, status: string, body: string): Promise<void> {
  const { stdout } = await walker.kubectl(
    'exec',
    '-n',
    namespace,
    pod,
    '--',
    'curl',
    '-s',
    '-w',
    '%{http_code}',
    '--max-time',
    '5',
    url,
  );
  walker.check(`${url} answers ${status} "${body}"`, stdout === `${body}\r\n${status}`, JSON.stringify(stdout));
}

/** Waits until a policy that was just applied is in force. */
async function denied(walker: Walker, pod: string, url: string): Promise<void> {
  const { stdout } = await walker.until(
    () => curl(walker, pod, [], url),
    (answer) => answer.stdout === '403',
  );
  walker.check(`${url} answers 403`, stdout === '403', stdout);
}

async function expectSuccess(walker: Walker, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await walker.kubectl(...args);
  walker.say(stdout.trim());
  walker.check(`kubectl ${args[0]} succeeds`, exitCode === 0, stderr);
}

async function expectFlows(walker: Walker, query: readonly string[], wanted: readonly string[]): Promise<void> {
  const lines = await flows(walker, query, (found) =>
    wanted.every((text) => found.some((line) => line.includes(text))),
  );
  show(walker, lines);
  for (const text of wanted)
    walker.check(
      `Hubble shows ${text.trim()}`,
      lines.some((line) => line.includes(text)),
    );
}

async function flows(
  walker: Walker,
  query: readonly string[],
  complete: (lines: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const ask = async (): Promise<readonly string[]> => {
    const { stdout } = await walker.hubble('observe', ...query);
    return stdout.split('\n').filter((line) => line !== '');
  };
  return walker.until(ask, complete);
}

const shownMax = 24;

function show(walker: Walker, lines: readonly string[]): void {
  for (const line of lines.slice(0, shownMax)) walker.say(line);
  if (lines.length > shownMax) walker.say(`... and ${lines.length - shownMax} more flows`);
}
