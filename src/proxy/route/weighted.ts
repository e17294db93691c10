import type { MetadataCriterion } from '../cluster/context.ts';
import type { Fields } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { RouteContext } from './context.ts';
import { type HashPolicies, requestHash } from './hash-policy.ts';
import { readCriteria } from './metadata-match.ts';
import { type HeaderMutation, readMutation } from './mutation.ts';

/** One entry of `weighted_clusters`. */
export interface WeightedCluster {
  /** Empty: a header names the cluster. */
  readonly name: string;
  readonly header: string;
  readonly weight: number;
  readonly request: HeaderMutation | undefined;
  readonly response: HeaderMutation | undefined;
  readonly filters: RouteFilters;
  /** Takes the request's host's place before anything else does; empty: none. */
  readonly host: string;
  readonly metadataMatch: readonly MetadataCriterion[] | undefined;
}

/** `envoy.config.route.v3.WeightedCluster`. */
export interface WeightedChoice {
  readonly clusters: readonly WeightedCluster[];
  readonly weights: Weights;
  /** Weights that the runtime may override with values under this prefix. */
  readonly overrides: { readonly prefix: string; readonly runtime: Runtime } | undefined;
  /** Header that gives the number to choose by; empty: none. */
  readonly randomHeader: string;
  /** The hash of the request is the number to choose by, where it has one. */
  readonly byHash: boolean;
}

interface Weights {
  /** Sums of the weights up to and with each cluster. */
  readonly upTo: readonly number[];
  readonly total: number;
}

const MOST = 0xffff_ffff;

export function readWeighted(
  fields: Fields,
  routeName: string,
  { readFilters, runtime }: Pick<RouteContext, 'readFilters' | 'runtime'>,
): WeightedChoice {
  fields.ignore('total_weight');
  const clusters = fields.list('clusters', (cluster) => readCluster(cluster, readFilters));
  const weights = sumUp(clusters.map(({ weight }) => weight));
  const { total } = weights;
  if (total === 0) fields.problem('clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
  if (total > MOST) {
    fields.problem('clusters', `The sum of weights of all weighted clusters of route ${routeName} exceeds ${MOST}`);
  }
  const prefix = fields.text('runtime_key_prefix');
  return {
    clusters,
    weights,
    overrides: prefix === '' ? undefined : { prefix, runtime },
    randomHeader: fields.text('header_name').toLowerCase(),
    byHash: fields.flag('use_hash_policy'),
  };
}

function sumUp(list: readonly number[]): Weights {
  const upTo: number[] = [];
  let total = 0;
  for (const weight of list) {
    total += weight;
    upTo.push(total);
  }
  return { upTo, total };
}

function readCluster(fields: Fields, readFilters: (fields: Fields) => RouteFilters): WeightedCluster {
  const name = fields.text('name');
  const header = fields.text('cluster_header').toLowerCase();
  if (name === '' && header === '') {
    fields.problem('', 'At least one of name or cluster_header need to be specified');
  }
  if (name !== '' && header !== '') fields.problem('', 'Only one of name or cluster_header can be specified');
  const weight = fields.number('weight');
  if (weight === undefined) fields.problem('weight', 'value is required');
  return {
    name,
    header,
    weight: weight ?? 0,
    request: readMutation(fields, 'request'),
    response: readMutation(fields, 'response'),
    filters: readFilters(fields),
    host: fields.text('host_rewrite_literal'),
    metadataMatch: fields.message('metadata_match', readCriteria),
  };
}

/** Index of the cluster for a request, -1 where the runtime took all weights away; `random`: its stable random number. */
export function chooseWeighted(
  choice: WeightedChoice,
  hashPolicies: HashPolicies,
  info: StreamInfo,
  random: number,
): number {
  const { overrides, randomHeader, byHash } = choice;
  const { upTo, total } = overrides ? overridden(choice.clusters, overrides) : choice.weights;
  if (total === 0) return -1;
  let point = random % total;
  if (byHash) point = hashPoint(hashPolicies, info, total) ?? point;
  else if (randomHeader !== '') point = headerPoint(info, randomHeader, total) ?? point;
  for (let at = 0; at < upTo.length; at++) if (point < (upTo[at] as number)) return at;
  return upTo.length - 1;
}

function overridden(
  clusters: readonly WeightedCluster[],
  { prefix, runtime }: NonNullable<WeightedChoice['overrides']>,
): Weights {
  return sumUp(clusters.map(({ name, weight }) => runtime.integer(`${prefix}.${name}`, weight)));
}

/** No cookie is made for this: a request without one has no hash by it. */
function hashPoint(policies: HashPolicies, info: StreamInfo, total: number): number | undefined {
  const hash = requestHash(policies, info, () => '');
  return hash && Number(((BigInt(hash.high) << 32n) | BigInt(hash.low)) % BigInt(total));
}

/** A header given once that holds a 64-bit number. */
function headerPoint(info: StreamInfo, name: string, total: number): number | undefined {
  const values = info.request?.headers.all(name) ?? [];
  const text = values.length === 1 ? (values[0] as string).trim() : '';
  if (!/^\+?\d{1,20}$/.test(text)) return undefined;
  const number = BigInt(text);
  return number < 2n ** 64n ? Number(number % BigInt(total)) : undefined;
}
