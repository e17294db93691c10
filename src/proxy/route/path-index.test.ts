import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Issue } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { RequestHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { Runtime } from '../runtime/runtime.ts';
import { buildDomains } from './domains.ts';
import { type RouteMatch, readRouteMatch } from './match.ts';
import { holds, PathIndex } from './path-index.ts';

const PEER = { address: '127.0.0.1', port: 1 };
const RUNTIME = new Runtime();

const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '/', '.', '\xe9'), maxLength: 6 });
const path = text.map((rest) => `/${rest}`);
const separated = path
  .map((value) => value.replaceAll(/\/+$/g, ''))
  .filter((value) => value.startsWith('/') && !value.endsWith('/'));
const expression = fc
  .array(fc.constantFrom('a', 'b', '/', '[ab]', '.*', '[^/]+', '(a|b)', 'a?', '\\.'), { maxLength: 5 })
  .map((parts) => `/${parts.join('')}`);
const specifier: fc.Arbitrary<JsonObject> = fc.oneof(
  path.map((value) => ({ path: value })),
  text.map((value) => ({ prefix: value })),
  separated.map((value) => ({ path_separated_prefix: value })),
  expression.map((regex) => ({ safe_regex: { regex } })),
  fc.constant({ connect_matcher: {} }),
);
const condition: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
  {},
  {},
  { headers: [{ name: 'x', present_match: true }] },
  { headers: [{ name: 'x', present_match: false }] },
  { runtime_fraction: { default_value: { numerator: 50 } } },
);
const route: fc.Arbitrary<JsonObject> = fc
  .tuple(specifier, condition, fc.boolean())
  .map(([match, more, caseSensitive]) => ({
    ...match,
    ...more,
    ...(caseSensitive || match['safe_regex'] || match['connect_matcher'] ? {} : { case_sensitive: false }),
  }));

interface Asked {
  readonly path: string;
  readonly connect: boolean;
  readonly header: boolean;
  readonly random: number;
}

const request: fc.Arbitrary<Asked> = fc.record({
  path,
  connect: fc.constantFrom(false, false, false, true),
  header: fc.boolean(),
  random: fc.nat(99),
});

function compile(json: JsonObject): RouteMatch {
  const issues: Issue[] = [];
  const match = readMessage(json, '', issues, (fields) => readRouteMatch(fields, RUNTIME));
  assert.deepEqual(issues, []);
  return match;
}

function infoOf({ path: target, connect, header }: Asked): StreamInfo {
  const head = new RequestHead();
  head.method = connect ? 'CONNECT' : 'GET';
  head.path = target;
  if (header) head.headers.add('x', '1');
  const info = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });
  info.request = head;
  return info;
}

/** What Envoy does: the first route of the configuration that matches. */
function scan(routes: readonly Named[], asked: Asked, info: StreamInfo): Named | undefined {
  return routes.find(({ match }) => {
    const fits = match.path.kind === 'connect' ? asked.connect : !asked.connect && match.path.test(asked.path);
    return fits && holds(match, info, asked.random);
  });
}

interface Named {
  readonly match: RouteMatch;
  readonly position: number;
}

test('an index of routes finds what a scan in order finds', () => {
  const property = fc.property(
    fc.array(route, { maxLength: 40 }),
    fc.array(request, { minLength: 1, maxLength: 20 }),
    (matches, requests) => {
      const routes = matches.map((json, position): Named => ({ match: compile(json), position }));
      const index = new PathIndex(routes);
      for (const asked of requests) {
        const info = infoOf(asked);
        const found = index.find(asked.connect ? undefined : asked.path, info, asked.random);
        assert.equal(found?.position, scan(routes, asked, info)?.position);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});

const label = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 5 });
const domain = fc.oneof(
  label,
  label.map((value) => `*${value}`),
  label.map((value) => `${value}*`),
  fc.constant('*'),
);

/** Exact, then the longest of the suffixes, then the longest of the prefixes, then any. */
function scanDomains(domains: readonly string[], host: string): string | undefined {
  const longest = (list: readonly string[]): string | undefined =>
    list.toSorted((left, right) => right.length - left.length)[0];
  const wild = domains.filter((one) => one !== '*' && one.length <= host.length);
  return (
    domains.find((one) => one === host) ??
    longest(wild.filter((one) => one.startsWith('*') && host.endsWith(one.slice(1)))) ??
    longest(wild.filter((one) => one.endsWith('*') && host.startsWith(one.slice(0, -1)))) ??
    domains.find((one) => one === '*')
  );
}

test('an index of domains finds what a scan finds', () => {
  const property = fc.property(
    fc.uniqueArray(domain, { maxLength: 30 }),
    fc.array(label, { minLength: 1, maxLength: 20 }),
    (domains, hosts) => {
      const issues: Issue[] = [];
      const entries = domains.map((one) => ({ domains: [one] }));
      const index = readMessage({}, '', issues, (fields) => buildDomains(entries, 'table', fields));
      assert.deepEqual(issues, []);
      for (const host of hosts) assert.equal(index.find(host)?.domains[0], scanDomains(domains, host));
    },
  );
  fc.assert(property, { numRuns: 500 });
});
