import type { MetadataCriterion } from '../cluster/context.ts';
import type { Fields } from '../config/fields.ts';
import type { Regex } from '../match/regex.ts';
import { readRegex } from '../match/strings.ts';
import { type ForwardOptions, readForwardOptions } from './forward-options.ts';
import { readCriteria } from './metadata-match.ts';
import { type HeaderMutation, readMutation } from './mutation.ts';

export interface WeightedCluster {
  readonly name: string;
  readonly header: string | undefined;
  /** Sum of the weights up to and with this one. */
  readonly upTo: number;
  readonly request: HeaderMutation;
  readonly response: HeaderMutation;
  readonly host: string | undefined;
  readonly metadataMatch: readonly MetadataCriterion[] | undefined;
}

export type ClusterChoice =
  | { readonly kind: 'cluster'; readonly name: string }
  | { readonly kind: 'header'; readonly header: string }
  | {
      readonly kind: 'weighted';
      readonly clusters: readonly WeightedCluster[];
      readonly total: number;
      readonly randomHeader: string;
    };

export interface RegexRewrite {
  readonly regex: Regex;
  readonly substitution: string;
}

export type HostRewrite =
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'header'; readonly value: string }
  | { readonly kind: 'auto' }
  | { readonly kind: 'path'; readonly rewrite: RegexRewrite };

/** `envoy.config.route.v3.RouteAction`: send the request to a cluster. Times in milliseconds, 0 for none. */
export interface ForwardAction extends ForwardOptions {
  readonly kind: 'forward';
  readonly choice: ClusterChoice;
  readonly notFoundStatus: number;
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewrite | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  readonly appendForwardedHost: boolean;
  readonly timeout: number;
  /** Undefined: the connection manager's. */
  readonly idleTimeout: number | undefined;
  readonly priority: 'DEFAULT' | 'HIGH';
  /** Upgrade types switched on or off here, lower case. */
  readonly upgrades: ReadonlyMap<string, boolean>;
}

const NOT_FOUND = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;
const DEFAULT_TIMEOUT = 15_000;

export function readForward(fields: Fields): ForwardAction {
  const prefixRewrite = fields.text('prefix_rewrite');
  const regexRewrite = fields.message('regex_rewrite', readRegexRewrite);
  if (prefixRewrite !== '' && regexRewrite) {
    fields.problem('', 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy');
  }
  return {
    ...readForwardOptions(fields),
    kind: 'forward',
    choice: readChoice(fields),
    notFoundStatus:
      NOT_FOUND[
        fields.choice('cluster_not_found_response_code', ['SERVICE_UNAVAILABLE', 'NOT_FOUND', 'INTERNAL_SERVER_ERROR'])
      ],
    prefixRewrite,
    regexRewrite,
    hostRewrite: readHostRewrite(fields),
    appendForwardedHost: fields.flag('append_x_forwarded_host'),
    timeout: Math.floor(fields.duration('timeout') ?? DEFAULT_TIMEOUT),
    idleTimeout: fields.duration('idle_timeout'),
    priority: fields.choice('priority', ['DEFAULT', 'HIGH']),
    upgrades: readUpgrades(fields),
  };
}

/** Reads `upgrade_configs` of a route or connection manager: lower-case type to whether it is enabled. */
export function readUpgrades(fields: Fields): ReadonlyMap<string, boolean> {
  return new Map(
    fields.list('upgrade_configs', (config) => {
      const type = config.required('upgrade_type').toLowerCase();
      if (type === 'connect')
        config.problem('upgrade_type', 'CONNECT is not supported', 'websocket and other upgrades');
      return [type, config.boolean('enabled') ?? true] as const;
    }),
  );
}

export function readRegexRewrite(fields: Fields): RegexRewrite | undefined {
  const regex = fields.message('pattern', readRegex);
  const substitution = fields.text('substitution');
  if (!regex) {
    if (!fields.has('pattern')) fields.problem('pattern', 'value is required');
    return undefined;
  }
  return { regex, substitution };
}

function readHostRewrite(fields: Fields): HostRewrite | undefined {
  const literal = fields.text('host_rewrite_literal');
  if (literal !== '') return { kind: 'literal', value: literal };
  const header = fields.text('host_rewrite_header');
  if (header !== '') return { kind: 'header', value: header.toLowerCase() };
  const rewrite = fields.message('host_rewrite_path_regex', readRegexRewrite);
  if (rewrite) return { kind: 'path', rewrite };
  return fields.flag('auto_host_rewrite') ? { kind: 'auto' } : undefined;
}

function readChoice(fields: Fields): ClusterChoice {
  switch (fields.oneOf('cluster_specifier', ['cluster', 'cluster_header', 'weighted_clusters'])) {
    case 'cluster_header':
      return { kind: 'header', header: fields.text('cluster_header').toLowerCase() };
    case 'weighted_clusters':
      return fields.message('weighted_clusters', readWeighted) ?? { kind: 'cluster', name: '' };
    default:
      return { kind: 'cluster', name: fields.text('cluster') };
  }
}

function readWeighted(fields: Fields): ClusterChoice {
  fields.ignore('total_weight', 'runtime_key_prefix');
  let total = 0;
  const clusters = fields.list('clusters', (cluster): WeightedCluster => {
    const name = cluster.text('name');
    const header = cluster.text('cluster_header').toLowerCase();
    if ((name === '') === (header === ''))
      cluster.problem('name', 'exactly one of name and cluster_header is required');
    total += cluster.number('weight') ?? 0;
    const host = cluster.text('host_rewrite_literal');
    return {
      name,
      header: header === '' ? undefined : header,
      upTo: total,
      request: readMutation(cluster, 'request_headers_to_add', 'request_headers_to_remove'),
      response: readMutation(cluster, 'response_headers_to_add', 'response_headers_to_remove'),
      host: host === '' ? undefined : host,
      metadataMatch: cluster.message('metadata_match', readCriteria),
    };
  });
  if (total === 0) fields.problem('clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
  if (total > 0xffffffff)
    fields.problem('clusters', `The sum of weights of all weighted clusters is ${total}`, 'up to 4294967295');
  return { kind: 'weighted', clusters, total, randomHeader: fields.text('header_name').toLowerCase() };
}
