import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Issue } from '../../base/index.ts';
import { type JsonObject, type JsonValue, readMessage } from '../config/fields.ts';
import { readRouteFilters } from '../filter/table.ts';
import { RequestHead } from '../http/head.ts';
import { HeaderMap } from '../http/headers.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { readHeaderMatcher } from '../match/headers.ts';
import { type Fraction, Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';
import { directReply, finalizeRequest } from './finalize.ts';
import { applyMutations } from './mutation.ts';
import { clusterOf } from './route.ts';
import { compileRouteTable, type RouteTable } from './table.ts';
import { virtualClusterOf } from './virtual-host.ts';

const FOLDER = process.env['CILIATE_ROUTER_CHECK'] ?? '/work/shared/data/router_check';
const PEER = { address: '127.0.0.1', port: 1 };

/** The tool's runtime: a fraction counts only where the test names its key, and then its numerator itself is a hit. */
class ToolRuntime extends Runtime {
  active = '';

  override fraction(key: string, fallback: Fraction): Fraction {
    if (key !== this.active) return { numerator: 0, denominator: 100 };
    return { numerator: fallback.numerator + 1, denominator: fallback.denominator };
  }
}

const RUNTIME = new ToolRuntime();

interface Case {
  readonly test_name: string;
  readonly input: Readonly<Record<string, unknown>> & { readonly authority: string; readonly path: string };
  readonly validate: Readonly<Record<string, JsonValue>>;
}

interface HeaderEntry {
  readonly key?: string;
  readonly value?: string;
  readonly header?: { readonly key?: string; readonly value?: string };
}

interface MetadataEntry {
  readonly metadata_namespace: string;
  readonly value: JsonObject;
  readonly allow_overwrite?: boolean;
}

function loadTable(name: string): RouteTable {
  const text = readFileSync(path.join(FOLDER, `${name}.yaml`), 'utf8').replaceAll(
    /\bhost_rewrite:/g,
    'host_rewrite_literal:',
  );
  const issues: Issue[] = [];
  const table = compileRouteTable(parse(text) as JsonObject, '', issues, {
    readFilters: (fields) => readRouteFilters(fields, { stats: new StatsStore().scope(), runtime: RUNTIME }),
    runtime: RUNTIME,
    stats: new StatsStore().scope(),
    hasCluster: () => true,
    validateClusters: false,
  });
  assert.deepEqual(issues, []);
  return table;
}

function infoOf({ input }: Case): StreamInfo & { readonly head: RequestHead; readonly random: number } {
  const head = new RequestHead();
  head.method = String(input['method'] ?? 'GET');
  head.path = input.path;
  head.authority = input.authority;
  head.hasAuthority = true;
  head.scheme = input['ssl'] === true ? 'https' : 'http';
  head.headers.add('x-forwarded-proto', head.scheme);
  if (input['internal'] === true) head.headers.add('x-envoy-internal', 'true');
  for (const entry of (input['additional_request_headers'] ?? []) as HeaderEntry[]) {
    const { key = '', value = '' } = entry.header ?? entry;
    head.headers.add(key.toLowerCase(), value);
  }
  const info = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });
  info.request = head;
  for (const entry of (input['dynamic_metadata'] ?? []) as MetadataEntry[]) {
    const { metadata_namespace: namespace } = entry;
    if (info.metadata(namespace, []) !== undefined && entry.allow_overwrite !== true) continue;
    for (const [key, inner] of Object.entries(entry.value)) info.setMetadata(namespace, key, inner);
  }
  return Object.assign(info, { head, random: Number(input['random_value'] ?? 0) });
}

/** The results that the golden files name. */
function resultOf(table: RouteTable, one: Case): Record<string, JsonValue> {
  const info = infoOf(one);
  RUNTIME.active = String(one.input['runtime'] ?? '');
  const route = table.find(info, info.random);
  const out: Record<string, JsonValue> = {
    cluster_name: '',
    virtual_cluster_name: '',
    virtual_host_name: '',
    path_rewrite: '',
    host_rewrite: '',
    path_redirect: '',
    code_redirect: 0,
    timeout: 0,
  };
  if (!route) return out;
  const response = new HeaderMap();
  const { action } = route;
  if (action.kind !== 'forward') {
    const location = `${info.head.scheme}://${info.head.authority}${info.head.path}`;
    const reply = directReply(route, info.head, info, true);
    if (reply && reply.body !== '') {
      response.add('content-length', String(reply.body.length));
      response.add('content-type', 'text/plain');
    }
    applyMutations(route.responseMutations, response, info);
    const redirects = action.kind === 'direct' ? { path_redirect: location } : { code_redirect: reply?.status ?? 0 };
    return {
      ...out,
      path_redirect: reply?.headers?.[0]?.[1] ?? '',
      ...redirects,
      ...headerResult(one, info, response),
    };
  }
  applyMutations(route.responseMutations, response, info);
  const virtualCluster = virtualClusterOf(route.virtualHost, info)?.name ?? '';
  const cluster = clusterOf(route, info);
  finalizeRequest(route, action, info.head, info, true);
  return {
    ...out,
    cluster_name: cluster,
    virtual_cluster_name: virtualCluster,
    virtual_host_name: route.virtualHost.name,
    path_rewrite: info.head.path,
    host_rewrite: info.head.authority,
    timeout: `${action.timeout / 1000}s`,
    ...headerResult(one, info, response),
  };
}

function headerResult({ validate }: Case, info: StreamInfo, response: HeaderMap): Record<string, JsonValue> {
  const holds = (key: string, lookup: (name: string) => string | undefined): boolean =>
    ((validate[key] ?? []) as JsonObject[]).every((json) => readMessage(json, '', [], readHeaderMatcher)(lookup));
  return {
    request_header_matches: holds('request_header_matches', info.requestLookup),
    response_header_matches: holds('response_header_matches', (name) => response.joined(name)),
  };
}

test('route tables of the router check tool', (context) => {
  if (!existsSync(FOLDER)) {
    console.log(`SKIPPED: no route tables at ${FOLDER}`);
    context.skip(`no route tables at ${FOLDER}`);
    return;
  }
  let passed = 0;
  const failures: string[] = [];
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.golden.proto.json'))) {
    const name = file.replace('.golden.proto.json', '');
    const text = readFileSync(path.join(FOLDER, file), 'utf8').replaceAll(/,(\s*[\]}])/g, '$1');
    const table = loadTable(name === 'TestRoutesFailures' ? 'TestRoutes' : name);
    for (const one of (JSON.parse(text) as { tests: Case[] }).tests) {
      const result = resultOf(table, one);
      const wrong = Object.entries(one.validate).filter(([key, value]) =>
        Array.isArray(value) ? result[key] === false : String(result[key]) !== String(value),
      );
      const good = (wrong.length === 0) === (name !== 'TestRoutesFailures');
      if (good) passed++;
      else failures.push(`${name}/${one.test_name}: ${JSON.stringify(wrong)} got ${JSON.stringify(result)}`);
    }
  }
  console.log(`router check: ${passed} passed, ${failures.length} failed`);
  assert.deepEqual(failures, []);
});
