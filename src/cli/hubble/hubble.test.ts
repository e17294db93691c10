import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { createObserver, createRelay, observerServices, serveGrpc } from '../../hubble/index.ts';
import { type Flow, toTimestamp } from '../../model/flow/index.ts';
import type { CommandIo } from '../io.ts';
import { hubbleCommand } from './index.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'hubble-test-'));
const cleanups: (() => Promise<void> | void)[] = [() => rmSync(directory, { recursive: true })];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], environment: NodeJS.ProcessEnv = {}, stdin = ''): Promise<Ran> {
  const texts = { out: '', err: '' };
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const io: CommandIo = {
    stdin: Readable.from([stdin]),
    stdout: into('out'),
    stderr: into('err'),
    environment: { HOME: directory, ...environment },
  };
  const code = await hubbleCommand(argv, io);
  return { code, ...texts };
}

const flow = (uuid: string, rest: Flow): Flow => ({
  uuid,
  time: toTimestamp(BigInt(uuid) * 1_000_000_000n),
  IP: { source: '10.0.0.1', destination: '10.0.0.2' },
  is_reply: { value: false },
  event_type: { type: 4, sub_type: 3 },
  verdict: 1,
  node_name: 'n1',
  Summary: 'TCP Flags: SYN',
  ...rest,
});

const flows: readonly Flow[] = [
  flow('1', { source: { namespace: 'a', pod_name: 'x', identity: 300 }, destination: { identity: 2 } }),
  flow('2', { source: { identity: 1 }, destination: { namespace: 'b', pod_name: 'y' }, verdict: 2 }),
  flow('3', { l7: { type: 1, http: { method: 'GET', url: 'http://h/p' } }, event_type: { type: 129 } }),
];

async function startServer(): Promise<string> {
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
  const observer = createObserver({ nodeName: 'n1', version: 'v1', now });
  for (const one of flows) observer.push(one);
  observer.pushAgentEvent({ type: 7, endpoint_update: { id: 42, namespace: 'a', pod_name: 'x' } });
  const peers = { list: () => [], subscribe: () => () => {} };
  const node = await serveGrpc(observerServices(observer, peers), { host: '127.0.0.1', port: 0 });
  const relay = await createRelay({
    peers: () => [{ name: 'n1', address: `127.0.0.1:${node.port}` }],
    nodeName: 'relay',
    version: 'v1',
    now,
  });
  const serving = await serveGrpc(relay.services, { host: '127.0.0.1', port: 0 });
  cleanups.push(
    () => node.close(),
    () => relay.close(),
    () => serving.close(),
  );
  return `127.0.0.1:${serving.port}`;
}

const server = await startServer();
const uuids = (out: string): string => [...out.matchAll(/"uuid":"(\d+)"/g)].map((match) => match[1]).join(' ');

test('filters select flows', async () => {
  const cases: readonly [string, string][] = [
    ['', '1 2 3'],
    ['--last 1', '3'],
    ['--last 0', '1 2 3'],
    ['--first 1', '1'],
    ['--pod a/x', '1'],
    ['--pod a/x --pod b/', '1 2'],
    ['--to-pod b/y --verdict DROPPED', '2'],
    ['--from-pod b/y', ''],
    ['-n b', '2'],
    ['--from-namespace a', '1'],
    ['-A', '1 2'],
    ['--not -n b', '1 3'],
    ['--not --verdict FORWARDED', '2'],
    ['--identity world', '1'],
    ['-t l7', '3'],
    ['-t trace:to-stack --not --identity 300', '2'],
    ['-t trace:to-proxy', ''],
    ['--protocol http --http-path ^/p$', '3'],
    ['--since 1970-01-01T00:00:02Z --until 1970-01-01T00:00:02Z', '2'],
    ['--allowlist {"uuid":["1"]}{"uuid":["3"]} --denylist {"verdict":["DROPPED"]}', '1 3'],
    ['--ip 10.0.0.0/8 --port 80', ''],
    ['flows --last 2', '2 3'],
  ];
  for (const [flags, expected] of cases) {
    const argv = flags === '' ? [] : flags.split(' ');
    const ran = await run(['observe', ...argv, '-o', 'json', '--server', server]);
    assert.deepEqual([ran.code, uuids(ran.out), ran.err], [0, expected, ''], flags);
  }
});

test('what is wrong is told in one line', async () => {
  const cases: readonly [string, string | RegExp][] = [
    ['observe --first 1 --last 1', 'cannot set both --first and --last'],
    ['observe --first 1 --follow', 'cannot set both --first and --follow'],
    ['observe --protocol x', 'invalid protocol filter: unknown protocol: "x"'],
    ['observe --not --not --pod x', 'invalid argument "true" for "--not" flag: consecutive --not statements'],
    ['observe --pod x --not', 'trailing --not found in the arguments'],
    [
      'observe --pod a --from-pod b',
      'invalid argument "b" for "--from-pod" flag: filters --from-pod and --pod cannot be combined',
    ],
    [
      'observe -n a --pod b/c',
      'invalid argument "b/c" for "--pod" flag: namespace conflict: "a" does not contain "b/c"',
    ],
    ['observe --since yesterday', /^failed to parse the since time: failed to convert yesterday to time; allowed: /],
    ['observe -o xml', /^invalid output format: xml; allowed: /],
    ['observe -o table -f', 'table output format is not compatible with follow mode'],
    ['observe --field-mask time', 'compact output format is not compatible with custom field mask'],
    [
      'observe -o json --field-mask nope',
      'failed to construct field mask: invalid path "nope" for message "flow.Flow"',
    ],
    ['observe --allowlist {"x":1}', 'invalid --allowlist flag: failed to decode \'{"x":1}\': unknown field "x"'],
    [
      'observe --identity nobody',
      /^invalid argument "nobody" for "--identity" flag: invalid security identity, expected one of \[unknown host world /,
    ],
    ['observe --bogus', 'unknown flag: --bogus'],
    ['observe --input-file /nope', 'open /nope: no such file or directory'],
    ['status --server tls://', /^invalid --server value: empty; allowed: /],
    ['status --tls --tls-ca-cert-files /nope', /^cannot load cert '\/nope': open \/nope: no such file/],
    ['status --tls-client-key-file /x', /^invalid flag\(s\): certificate and private key are both required/],
    ['status --basic-auth-username x', /^invalid flag\(s\): must specify both /],
    ['observe --last x', /^invalid argument "x" for "--last" flag: /],
    ['observe --all=x', /^invalid argument "x" for "--all" flag: /],
    ['observe -q', "unknown shorthand flag: 'q' in -q"],
    ['observe extra', /^too many arguments for 'observe'/],
    ['list nodes extra', /^too many arguments for 'nodes'/],
    ['observe --pod', 'flag needs an argument: --pod'],
    [
      'observe --verdict dropped',
      /^invalid argument "dropped" for "--verdict" flag: invalid --verdict value: dropped; allowed: /,
    ],
    ['observe --service a --pod b/c', /namespace of service "a" conflict with pod "b"$/],
    [
      'observe --timeout x --input-file /dev/null',
      /^invalid argument "x" for "--timeout" flag: time: invalid duration "x"/,
    ],
    ['status --server 127.0.0.1:1 --timeout 50ms', /^failed to connect to '127.0.0.1:1'/],
    ['list nodes -o xml', /^unknown output format: xml/],
    ['config get nope', /^unknown key: nope; allowed: /],
    ['nothing', 'unknown command "nothing" for "hubble"'],
  ];
  for (const [flags, expected] of cases) {
    const ran = await run(flags.split(' '), { HUBBLE_SERVER: server });
    assert.deepEqual([ran.code, ran.out], [1, ''], flags);
    assert.match(ran.err, /^[^\n]+\n$/, flags);
    const message = ran.err.slice(0, -1);
    if (typeof expected === 'string') assert.equal(message, expected);
    else assert.match(message, expected);
  }
});

test('raw filters are printed as YAML', async () => {
  const ran = await run(
    'observe --print-raw-filters --not --namespace kube-system --verdict DROPPED --verdict ERROR'.split(' '),
  );
  assert.equal(
    ran.out,
    `allowlist:\n    - '{"verdict":["DROPPED","ERROR"]}'\ndenylist:\n    - '{"source_pod":["kube-system/"]}'\n    - '{"destination_pod":["kube-system/"]}'\n`,
  );
});

test('a recording is read from a file or standard input', async () => {
  const recorded = (await run(['observe', '-o', 'jsonpb', '--server', server])).out;
  const file = path.join(directory, 'flows.json');
  writeFileSync(file, recorded);
  const cases: readonly [string, string][] = [
    ['', '1 2 3'],
    ['--last 2', '2 3'],
    ['--first 2', '1 2'],
    ['--pod a/x', '1'],
  ];
  for (const [flags, expected] of cases) {
    const argv = ['observe', '-o', 'json', '--input-file', file, ...(flags === '' ? [] : flags.split(' '))];
    assert.equal(uuids((await run(argv)).out), expected, flags);
  }
  const bad = await run(['observe', '--input-file', '-', '-o', 'json'], {}, `junk\n${recorded}{"flow":{"nope":1}}\n`);
  assert.equal(uuids(bad.out), '1 2 3');
  assert.match(
    bad.err,
    /^WARN line 1 is skipped: not JSON: [^\n]+\nWARN unknown fields are ignored, the first on line 5: flow.nope\n$/,
  );
  assert.equal(readFileSync(file, 'utf8'), recorded);
});

test('status, lists and events', async () => {
  const at = { HUBBLE_SERVER: server };
  const status = await run(['status'], at);
  assert.match(
    status.out,
    /^Healthcheck \(via [^)]+\): Ok\nCurrent\/Max Flows: 4\/4,095 \(0\.10%\)\nFlows\/s: [^\n]+\nConnected Nodes: 1\/1\n$/,
  );
  assert.match((await run(['list', 'nodes'], at)).out, /^NAME {3}STATUS {6}AGE[^\n]+\nn1 {5}Connected/);
  assert.equal((await run(['list', 'namespaces'], at)).out, 'NAMESPACE\na\nb\n');
  const events = await run(['observe', 'agent-events'], at);
  assert.match(events.out, /ENDPOINT_CREATED \(id: 42, namespace: a, pod name: x\)\n$/);
  assert.equal(events.code, 0);
  assert.match((await run(['version'])).out, /^hubble v\d/);
  assert.match((await run(['completion', 'bash'])).out, /complete -F _hubble hubble/);
  assert.equal((await run(['--help'])).code, 0);
  for (const group of [[], ['list'], ['watch'], ['config']]) {
    const { code, out } = await run(group);
    assert.equal(code, 0);
    assert.match(out, /^Usage: /);
  }
});

test('events are read from recordings by time and number, too', async () => {
  const event = (seconds: number, kind: string, text: object): string =>
    JSON.stringify({ [kind]: text, node_name: 'n1', time: `2026-01-01T00:00:0${seconds}Z` });
  const recorded = [
    event(1, 'agent_event', { type: 'AGENT_STARTED', agent_start: {} }),
    event(2, 'debug_event', { type: 'DBG_GENERIC', message: 'one' }),
    event(3, 'debug_event', { type: 'DBG_GENERIC', message: 'two' }),
    event(4, 'flow', { uuid: '1' }),
    event(5, 'debug_event', { type: 'DBG_GENERIC', message: 'three' }),
    'junk',
  ].join('\n');
  const cases: readonly [flags: string, messages: string][] = [
    ['', 'one two three'],
    ['--last 2', 'two three'],
    ['--first 1', 'one'],
    ['--since 2026-01-01T00:00:03Z --until 2026-01-01T00:00:04Z', 'two'],
    ['--all', 'one two three'],
  ];
  for (const [flags, messages] of cases) {
    const words = flags.split(' ').filter((word) => word !== '');
    const { code, out, err } = await run(['observe', 'debug-events', '--input-file', '-', ...words], {}, recorded);
    assert.equal(code, 0);
    assert.equal([...out.matchAll(/\((.*)\)\n/g)].map(([, message]) => message).join(' '), messages, flags);
    if (!flags.startsWith('--first')) assert.match(err, /^WARN line 6 is skipped/);
  }
});

test('settings come from flags, then the environment, then the config file', async () => {
  await run(['config', 'set', 'server', '127.0.0.1:2']);
  assert.equal((await run(['config', 'get', 'server'])).out, '127.0.0.1:2\n');
  const unreachable = await run(['status', '--timeout', '50ms']);
  assert.match(unreachable.err, /127\.0\.0\.1:2/);
  assert.equal((await run(['status'], { HUBBLE_SERVER: server })).code, 0);
  assert.equal((await run(['config', 'get', 'server'], { HUBBLE_SERVER: 'x:1' })).out, 'x:1\n');
  assert.equal(
    uuids((await run(['observe', '-o', 'json'], { HUBBLE_SERVER: server, HUBBLE_VERDICT: 'DROPPED' })).out),
    '2',
  );
  assert.equal((await run(['config', 'reset', '--all'])).code, 0);
  assert.match((await run(['config', 'view'])).out, /server: localhost:4245/);
});

test('settings have the types of the flags, and are kept where nobody else reads them', async () => {
  const set = async (key: string, value: string, shown: string): Promise<void> => {
    assert.deepEqual(await run(['config', 'set', key, value]), { code: 0, out: '', err: '' });
    assert.equal((await run(['config', 'get', key])).out, shown);
  };
  await set('tls', '1', 'true\n');
  await set('tls-ca-cert-files', '/a,/b', '- /a\n- /b\n');
  await set('port-forward-port', '0', '0\n');
  await set('timeout', '1m', '1m\n');
  const file = path.join(directory, '.config/hubble/config.yaml');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match((await run(['status', '--server', server])).err, /^cannot load cert '\/a': open \/a: no such file/);
  await set('basic-auth-password', 'secret', 'secret\n');
  assert.equal((await run(['config', 'get', 'tls'], { HUBBLE_TLS: '0' })).out, 'false\n');
  const wrong: readonly [string, string, string][] = [
    ['tls', 'maybe', 'bool; allowed: true or false'],
    ['timeout', 'soon', 'duration; allowed: a duration such as 5s'],
    ['port-forward-port', '65536', 'uint16; allowed: 0 to 65535'],
  ];
  for (const [key, value, why] of wrong) {
    const { code, err } = await run(['config', 'set', key, value]);
    assert.deepEqual([code, err], [1, `cannot assign value=${value} for key=${key}, expected type=${why}\n`]);
  }
  await run(['config', 'set', 'timeout']);
  assert.equal((await run(['config', 'get', 'timeout'])).out, '5s\n');
  await run(['config', 'reset', 'tls']);
  assert.equal((await run(['config', 'get', 'tls'])).out, 'false\n');
  assert.equal((await run(['config', 'reset'])).code, 0);
  assert.equal((await run(['config', 'get', 'tls-ca-cert-files'])).out, '[]\n');
});

test('a reader that goes ends the command', async () => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  stdout.on('error', () => {});
  setImmediate(() => stdout.destroy(new Error('EPIPE')));
  const io: CommandIo = {
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
    environment: { HOME: directory },
  };
  assert.equal(await hubbleCommand(['observe', '-f', '--last', '3', '--server', server], io), 0);
});
