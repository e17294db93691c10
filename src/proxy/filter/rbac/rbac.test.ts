import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Issue } from '../../../base/index.ts';
import { Host } from '../../cluster/host.ts';
import { ClusterManager } from '../../cluster/manager.ts';
import { alone } from '../../cluster/testing.ts';
import { type Fields, type JsonObject, readMessage } from '../../config/fields.ts';
import { SecretStore } from '../../discovery/secrets.ts';
import { RequestHead } from '../../http/head.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { Runtime } from '../../runtime/runtime.ts';
import { StatsStore } from '../../stats/store.ts';
import { createCalls } from '../async/calls.ts';
import type { FilterStream, HeadVerdict, HttpFilter, LocalReply } from '../filter.ts';
import { createModules } from '../module/modules.ts';
import { rbacFilter } from './filter.ts';

interface Request {
  readonly client?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly upstream?: readonly [string, number];
}

interface TestStream extends FilterStream {
  replied: LocalReply | undefined;
}

function streamOf({ client = '10.0.0.1', path = '/', method = 'GET', headers = {}, upstream }: Request): TestStream {
  const head = new RequestHead();
  head.method = method;
  head.path = path;
  head.authority = 'a.test';
  for (const [name, value] of Object.entries(headers)) head.headers.add(name, value);
  const remote = { address: client, port: 4000 };
  const info = new StreamInfo({ remote, directRemote: remote, local: { address: '10.9.9.9', port: 8080 } });
  info.request = head;
  if (upstream) info.upstreamHost = new Host({ address: { kind: 'socket', host: upstream[0], port: upstream[1] } });
  return Object.assign(info, {
    head,
    route: undefined,
    routeCluster: '',
    localCluster: '',
    connection: {},
    replied: undefined as LocalReply | undefined,
    reply(reply: LocalReply) {
      this.replied = reply;
    },
  });
}

const read = (fields: Fields): HttpFilter | undefined =>
  rbacFilter.read(fields, {
    place: 'downstream',
    filterName: 'rbac',
    statPrefix: 'http.in.',
    stats: new StatsStore().scope(),
    runtime: new Runtime(),
    modules: createModules([], createLogger('test')),
    secrets: new SecretStore(),
    discover: () => ({ filter: undefined }),
    health: { failed: false, members: () => undefined },
    clusters: alone,
    calls: createCalls(
      new ClusterManager(
        { readFilters: () => undefined, secrets: new SecretStore() },
        new StatsStore(),
        createLogger('test'),
      ),
      '',
      new Runtime(),
    ),
  });

function runHead(filter: HttpFilter | undefined, stream: TestStream): HeadVerdict | undefined {
  return filter?.bind([])?.shared?.request?.head?.(stream, stream.head, true);
}

function judge(
  rules: unknown,
  request: Request,
): { readonly allowed: boolean; readonly policy: unknown; readonly details: string } {
  const issues: Issue[] = [];
  const filter = readMessage({ rules } as JsonObject, '', issues, read);
  assert.deepEqual(issues, []);
  const stream = streamOf(request);
  runHead(filter, stream);
  return {
    allowed: stream.replied === undefined,
    policy: stream.metadata('envoy.filters.http.rbac', ['enforced_effective_policy_id']),
    details: stream.replied?.details ?? '',
  };
}

const any = [{ any: true }];
const allow = (permissions: unknown, principals: unknown = any): unknown => ({
  policies: { p: { permissions, principals } },
});
const ip = (address_prefix: string, prefix_len: number): unknown => ({ address_prefix, prefix_len });
const upstream = (address: string, start: number, end: number): unknown => ({
  matcher: {
    name: 'u',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher',
      upstream_ip: ip(address, 32),
      upstream_port_range: { start: String(start), end: String(end) },
    },
  },
});
const header = (name: string, regex: string): unknown => ({
  header: { name, string_match: { safe_regex: { regex } } },
});

const table: readonly (readonly [string, unknown, Request, boolean])[] = [
  ['no policy allows nothing', { policies: {} }, {}, false],
  ['any', allow(any), {}, true],
  ['DENY turns it round', { action: 'DENY', policies: { p: { permissions: any, principals: any } } }, {}, false],
  ['LOG never denies', { action: 'LOG', policies: {} }, {}, true],
  ['the path counts with its query', allow([header(':path', '/a')]), { path: '/a?b' }, false],
  ['url_path counts without', allow([{ url_path: { path: { exact: '/a' } } }]), { path: '/a?b' }, true],
  ['a regex is a full match', allow([header(':path', '/a')]), { path: '/ab' }, false],
  ['a regex with a wild end', allow([header(':path', '/a.*')]), { path: '/ab' }, true],
  ['method', allow([header(':method', 'GET|PUT')]), { method: 'PUT' }, true],
  ['a client address', allow(any, [{ direct_remote_ip: ip('10.0.0.1', 32) }]), {}, true],
  ['another client address', allow(any, [{ direct_remote_ip: ip('10.0.0.2', 32) }]), {}, false],
  ['a client range', allow(any, [{ remote_ip: ip('10.0.0.0', 8) }]), {}, true],
  ['source_ip', allow(any, [{ source_ip: ip('10.0.0.0', 30) }]), {}, true],
  [
    'not, and, or',
    allow([
      {
        and_rules: {
          rules: [
            { not_rule: header(':method', 'PUT') },
            { or_rules: { rules: [header('x', '1'), header('x', '2')] } },
          ],
        },
      },
    ]),
    { headers: { x: '2' } },
    true,
  ],
  ['the chosen upstream', allow([upstream('10.1.0.1', 80, 80)]), { upstream: ['10.1.0.1', 80] }, true],
  ['another port of it', allow([upstream('10.1.0.1', 80, 80)]), { upstream: ['10.1.0.1', 81] }, false],
  ['no upstream yet', allow([upstream('10.1.0.1', 80, 80)]), {}, false],
  ['destination', allow([{ destination_ip: ip('10.9.9.9', 32) }]), {}, true],
  ['destination port', allow([{ destination_port: 8081 }]), {}, false],
  ['destination port range', allow([{ destination_port_range: { start: 8080, end: 8081 } }]), {}, true],
  ['an absent header does not match', allow([header('x', '.*')]), {}, false],
  [
    'and_ids',
    allow(any, [
      { and_ids: { ids: [{ direct_remote_ip: ip('10.0.0.1', 32) }, { header: { name: 'x', present_match: true } }] } },
    ]),
    {},
    false,
  ],
];
for (const [what, rules, request, allowed] of table) {
  test(`RBAC: ${what}`, () => assert.equal(judge(rules, request).allowed, allowed));
}

test('the first policy by name decides and is named', () => {
  const policy = { permissions: any, principals: any };
  const client = { permissions: any, principals: [{ direct_remote_ip: ip('10.0.0.1', 32) }] };
  assert.deepEqual(judge({ policies: { c: policy, b: client, d: client } }, {}), {
    allowed: true,
    policy: 'b',
    details: '',
  });
  const denied = judge({ action: 'DENY', policies: { 'a b': policy } }, {});
  assert.equal(denied.details, 'rbac_access_denied_matched_policy[a_b]');
  assert.equal(judge({ policies: {} }, {}).details, 'rbac_access_denied_matched_policy[none]');
});

test('ten thousand clients and backends: the same answers, found by look-up', () => {
  const policies: Record<string, unknown> = {};
  for (let index = 0; index < 10_000; index++) {
    const address = `10.${index >> 8}.${index & 255}.7`;
    policies[`p${index}`] = {
      permissions: [{ and_rules: { rules: [upstream(address, 80, 80), header(':path', '/ok')] } }],
      principals: [{ direct_remote_ip: ip(address, 32) }],
    };
  }
  const issues: Issue[] = [];
  const filter = readMessage({ rules: { policies } } as JsonObject, '', issues, read);
  assert.deepEqual(issues, []);
  const started = performance.now();
  for (let index = 0; index < 10_000; index += 7) {
    const address = `10.${index >> 8}.${index & 255}.7`;
    const stream = streamOf({ client: address, path: '/ok', upstream: [address, 80] });
    assert.equal(runHead(filter, stream), 'continue');
    assert.equal(stream.metadata('envoy.filters.http.rbac', ['enforced_effective_policy_id']), `p${index}`);
  }
  // A scan would try millions of policies here.
  assert.ok(performance.now() - started < 5000);
});

test('no value of a repeated header may be another one, where a rule says so', () => {
  const named = (string_match: object) => ({ header: { name: 'x-key', string_match } });
  const notTrue = '(?:[^t][\\s\\S]*|t(?:[^r][\\s\\S]*|r(?:[^u][\\s\\S]*|u(?:[^e][\\s\\S]*|e[\\s\\S]+)?)?)?)?';
  const rules = [named({ exact: 'true' }), { not_rule: named({ safe_regex: { regex: notTrue } }) }];
  const permissions = [{ and_rules: { rules } }];
  const issues: Issue[] = [];
  const message = { rules: { policies: { a: { permissions, principals: any } } } };
  const filter = readMessage(message as JsonObject, '', issues, read);
  assert.deepEqual(issues, []);
  const verdict = (...values: readonly string[]): HeadVerdict | undefined => {
    const stream = streamOf({});
    for (const value of values) stream.head.headers.add('x-key', value);
    return runHead(filter, stream);
  };
  assert.equal(verdict('true'), 'continue');
  for (const values of [[], ['evil'], ['true', 'evil'], ['evil', 'true'], ['true', '']]) {
    assert.notEqual(verdict(...values), 'continue', values.join());
  }
});

test('what is known to Envoy but not here is named', () => {
  const issues: Issue[] = [];
  const rules = {
    policies: { p: { permissions: any, principals: any, condition: { const_expr: { bool_value: true } } } },
  };
  readMessage({ rules } as JsonObject, '', issues, read);
  assert.equal(issues[0]?.path, 'rules.policies["p"].condition');
  assert.match(issues[0]?.message ?? '', /not supported by ciliate-proxy/);
});
