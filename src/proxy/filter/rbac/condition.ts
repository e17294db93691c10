import type { Cidr } from '../../../base/index.ts';
import type { Fields } from '../../config/fields.ts';
import { CidrIndex, cidrSet, readCidr } from '../../match/cidr.ts';
import { checkFilterState } from '../../match/filter-state.ts';
import { readEachHeaderMatcher } from '../../match/headers.ts';
import { readMetadataMatcher } from '../../match/metadata.ts';
import { readStringMatcher } from '../../match/strings.ts';
import { readTemplateMatch } from '../../route/uri-template.ts';
import { distinguishedName, namesOfKind } from '../../tls/names.ts';
import type { FilterStream } from '../filter.ts';
import { readCustomPrincipal } from './custom-principal.ts';
import { HEADER_ACTIONS, readHeaderActions } from './header-actions.ts';

/** What rules can ask about a request or a connection. */
export type RbacSubject = Pick<
  FilterStream,
  'peers' | 'head' | 'request' | 'route' | 'upstreamHost' | 'requestHeader' | 'metadata' | 'setMetadata'
>;

export type StreamCondition = (stream: RbacSubject) => boolean;

/** A condition taken apart as far as it can be looked up instead of tried. */
export type Condition =
  | { readonly kind: 'client'; readonly cidr: Cidr }
  | { readonly kind: 'upstream'; readonly cidr: Cidr; readonly from: number; readonly to: number }
  | {
      readonly kind: 'test';
      readonly test: StreamCondition;
      /** It changes the request: it must be asked whenever what stands before it holds. */
      readonly acts?: boolean;
    };

const NEVER: Condition = { kind: 'test', test: () => false };
const UPSTREAM_MATCHER = 'envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher';

const test = (condition: StreamCondition, acts = false): Condition => ({ kind: 'test', test: condition, acts });

/** Whether any of them changes requests. */
export function anyActs(conditions: readonly Condition[]): boolean {
  return conditions.some((one) => one.kind === 'test' && one.acts === true);
}

/** One test for a list of alternatives: addresses become one look-up, whatever their number. */
export function anyOf(conditions: readonly Condition[]): StreamCondition {
  const clients = conditions.flatMap((one) => (one.kind === 'client' ? [one.cidr] : []));
  const tests = conditions.flatMap((one) => (one.kind === 'test' ? [one.test] : []));
  if (clients.length > 0) {
    const holds = cidrSet(clients);
    tests.unshift((stream) => holds(stream.peers.directRemote.address));
  }
  const upstream = upstreamTest(conditions);
  if (upstream) tests.unshift(upstream);
  const [only] = tests;
  if (tests.length === 1 && only) return only;
  return (stream) => {
    for (let at = 0; at < tests.length; at++) if (tests[at]?.(stream)) return true;
    return false;
  };
}

function upstreamTest(conditions: readonly Condition[]): StreamCondition | undefined {
  const index = new CidrIndex<{ readonly from: number; readonly to: number }>();
  for (const one of conditions) if (one.kind === 'upstream') index.add(one.cidr, { from: one.from, to: one.to });
  if (index.empty) return undefined;
  return (stream) => {
    const peer = stream.upstreamHost?.peer;
    return peer !== undefined && index.find(peer.address).some(({ from, to }) => peer.port >= from && peer.port <= to);
  };
}

function allOf(conditions: readonly Condition[]): Condition {
  const tests = conditions.map((one) => anyOf([one]));
  return test((stream) => {
    for (let at = 0; at < tests.length; at++) if (!tests[at]?.(stream)) return false;
    return true;
  }, anyActs(conditions));
}

const negated = (condition: Condition): Condition => {
  const inner = anyOf([condition]);
  return test((stream) => !inner(stream));
};

/** Reads an `envoy.config.rbac.v3.Permission`. */
export function readPermission(fields: Fields): Condition {
  const kind = fields.oneOf('rule', [
    'and_rules',
    'or_rules',
    'any',
    'header',
    'url_path',
    'destination_ip',
    'destination_port',
    'destination_port_range',
    'metadata',
    'sourced_metadata',
    'not_rule',
    'requested_server_name',
    'uri_template',
    'matcher',
  ]);
  switch (kind) {
    case 'and_rules':
      return allOf(fields.message(kind, (inner) => inner.list('rules', readPermission)) ?? [NEVER]);
    case 'or_rules':
      return union(fields.message(kind, (inner) => inner.list('rules', readPermission)) ?? []);
    case 'not_rule':
      return negated(fields.message(kind, readPermission) ?? NEVER);
    case 'destination_ip': {
      const holds = readCidrs(fields, kind);
      return test((stream) => holds(stream.peers.local.address));
    }
    case 'destination_port': {
      const port = fields.number(kind) ?? 0;
      return test((stream) => stream.peers.local.port === port);
    }
    case 'destination_port_range': {
      const range = fields.message(kind, readPortRange) ?? { from: 0, to: 0 };
      return test(({ peers: { local } }) => local.port >= range.from && local.port < range.to);
    }
    case 'requested_server_name': {
      // Without a hello that was inspected the requested name is empty.
      const matches = fields.message(kind, readStringMatcher) ?? (() => false);
      return test(({ peers }) => matches(peers.hello?.serverName ?? ''));
    }
    case 'uri_template': {
      const template = fields.message(kind, readTemplateMatch);
      return template ? test((stream) => template.matches(pathOnly(stream.head.path))) : NEVER;
    }
    case 'matcher':
      return fields.message(kind, readExtension) ?? NEVER;
    default:
      return readCommon(fields, kind);
  }
}

/** Reads an `envoy.config.rbac.v3.Principal`. */
export function readPrincipal(fields: Fields): Condition {
  const kind = fields.oneOf('identifier', [
    'and_ids',
    'or_ids',
    'any',
    'source_ip',
    'direct_remote_ip',
    'remote_ip',
    'header',
    'url_path',
    'metadata',
    'sourced_metadata',
    'filter_state',
    'authenticated',
    'not_id',
    'custom',
  ]);
  switch (kind) {
    case 'and_ids':
      return allOf(fields.message(kind, (inner) => inner.list('ids', readPrincipal)) ?? [NEVER]);
    case 'or_ids':
      return union(fields.message(kind, (inner) => inner.list('ids', readPrincipal)) ?? []);
    case 'not_id':
      return negated(fields.message(kind, readPrincipal) ?? NEVER);
    case 'source_ip':
    case 'direct_remote_ip': {
      const cidr = fields.message(kind, readCidr);
      return cidr ? { kind: 'client', cidr } : NEVER;
    }
    case 'remote_ip': {
      const holds = readCidrs(fields, kind);
      return test((stream) => holds(stream.peers.remote.address));
    }
    case 'filter_state':
      fields.message(kind, checkFilterState);
      return NEVER;
    case 'custom':
      return test(fields.message(kind, readCustomPrincipal) ?? (() => false));
    case 'authenticated':
      return test(fields.message(kind, readAuthenticated) ?? (() => false));
    default:
      return readCommon(fields, kind);
  }
}

/** Whoever speaks TLS, as Envoy has it; with a name, one whose URIs, DNS names or else subject has it. */
function readAuthenticated(fields: Fields): StreamCondition {
  const matches = fields.message('principal_name', readStringMatcher);
  return ({ peers: { tls } }) => {
    const peer = tls?.peer;
    if (!matches) return tls !== undefined;
    if (!peer) return false;
    const names = [...namesOfKind(peer, 'URI'), ...namesOfKind(peer, 'DNS'), distinguishedName(peer.subject)];
    return names.some(matches);
  };
}

/** A list of one keeps what can be looked up. */
function union(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  return conditions.length === 1 && only ? only : test(anyOf(conditions), anyActs(conditions));
}

type CommonKind = 'any' | 'header' | 'url_path' | 'metadata' | 'sourced_metadata';

function readCommon(fields: Fields, kind: CommonKind | undefined): Condition {
  switch (kind) {
    case undefined:
      return NEVER;
    case 'any': {
      const any = fields.flag(kind);
      return test(() => any);
    }
    case 'header': {
      const matches = fields.message(kind, readEachHeaderMatcher);
      return matches ? test((stream) => matches(stream, stream.head)) : NEVER;
    }
    case 'url_path': {
      const matches = fields.message(kind, (inner) => inner.message('path', readStringMatcher));
      return matches ? test((stream) => matches(pathOnly(stream.head.path))) : NEVER;
    }
    case 'metadata': {
      const matches = fields.message(kind, readMetadataMatcher);
      return matches ? test((stream) => matches(stream)) : NEVER;
    }
    case 'sourced_metadata':
      return fields.message(kind, readSourcedMetadata) ?? NEVER;
  }
}

/** Metadata of the route is known when the route is: it matches nothing where there is none, `invert` or not. */
function readSourcedMetadata(fields: Fields): Condition {
  const source = fields.choice('metadata_source', ['DYNAMIC', 'ROUTE']);
  const matches = fields.message('metadata_matcher', readMetadataMatcher);
  if (!matches) return NEVER;
  if (source === 'DYNAMIC') return test((stream) => matches(stream));
  return test(({ route }) => route !== undefined && matches(route.metadata));
}

function pathOnly(path: string): string {
  const query = path.indexOf('?');
  const before = query < 0 ? path : path.slice(0, query);
  const fragment = before.indexOf('#');
  return fragment < 0 ? before : before.slice(0, fragment);
}

function readCidrs(fields: Fields, key: string): (address: string) => boolean {
  const cidr = fields.message(key, readCidr);
  return cidrSet(cidr ? [cidr] : []);
}

function readPortRange(fields: Fields): { readonly from: number; readonly to: number } {
  const { from, to } = readRange(fields);
  for (const [what, port] of [
    ['start', from],
    ['end', to],
  ] as const) {
    if (port < 0 || port > 65_536) fields.problem('', `range ${what} ${port} is out of bounds`);
  }
  if (from >= to) fields.problem('', `range start ${from} cannot be greater or equal than range end ${to}`);
  return { from, to };
}

function readRange(fields: Fields): { readonly from: number; readonly to: number } {
  return { from: fields.number('start') ?? 0, to: fields.number('end') ?? 0 };
}

function readExtension(fields: Fields): Condition {
  fields.ignore('name');
  const found = fields.message('typed_config', (config): Condition => {
    const type = String(config.json['@type'] ?? '');
    if (type.endsWith(`/${UPSTREAM_MATCHER}`)) return readUpstream(config);
    if (type.endsWith(`/${HEADER_ACTIONS}`)) return test(readHeaderActions(config), true);
    config.ignore(...Object.keys(config.json));
    config.problem('@type', `${JSON.stringify(type)} is not supported by ciliate-proxy`, UPSTREAM_MATCHER);
    return NEVER;
  });
  return found ?? NEVER;
}

const ANY_ADDRESS: readonly Cidr[] = [
  { bits: 32, address: 0n, prefix: 0 },
  { bits: 128, address: 0n, prefix: 0 },
];

function readUpstream(fields: Fields): Condition {
  const cidr = fields.message('upstream_ip', readCidr);
  const range = fields.message('upstream_port_range', readRange);
  if (!cidr && !range) fields.problem('', 'one of upstream_ip and upstream_port_range is required');
  // Unlike in other ranges the last port is in it.
  const { from, to } = range ?? { from: 0, to: 65_535 };
  if (cidr) return { kind: 'upstream', cidr, from, to };
  return test(anyOf(ANY_ADDRESS.map((any) => ({ kind: 'upstream', cidr: any, from, to }))));
}
