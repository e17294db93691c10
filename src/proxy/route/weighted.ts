import type { MetadataCriterion } from '../cluster/context.ts';
import type { Fields } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { StreamInfo } from '../http/stream-info.ts';
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
  /** Sums of the weights up to and with each cluster. */
  readonly upTo: readonly number[];
  readonly total: number;
  /** Header that gives the number to choose by; empty: none. */
  readonly randomHeader: string;
}

const MOST = 0xffff_ffff;

export function readWeighted(
  fields: Fields,
  routeName: string,
  readFilters: (fields: Fields) => RouteFilters,
): WeightedChoice {
  fields.ignore('total_weight', 'runtime_key_prefix');
  const clusters = fields.list('clusters', (cluster) => readCluster(cluster, readFilters));
  const upTo: number[] = [];
  let total = 0;
  for (const { weight } of clusters) {
    total += weight;
    upTo.push(total);
  }
  if (total === 0) fields.problem('clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
  if (total > MOST) {
    fields.problem('clusters', `The sum of weights of all weighted clusters of route ${routeName} exceeds ${MOST}`);
  }
  return { clusters, upTo, total, randomHeader: fields.text('header_name').toLowerCase() };
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

/** Index of the cluster for a request; `random`: its stable random number. */
export function chooseWeighted(choice: WeightedChoice, info: StreamInfo, random: number): number {
  const { upTo, total, randomHeader } = choice;
  const point = (randomHeader === '' ? undefined : headerPoint(info, randomHeader, total)) ?? random % total;
  for (let at = 0; at < upTo.length; at++) if (point < (upTo[at] as number)) return at;
  return upTo.length - 1;
}

/** A header given once that holds a 64-bit number. */
function headerPoint(info: StreamInfo, name: string, total: number): number | undefined {
  const values = info.request?.headers.all(name) ?? [];
  const text = values.length === 1 ? (values[0] as string).trim() : '';
  if (!/^\+?\d{1,20}$/.test(text)) return undefined;
  const number = BigInt(text);
  return number < 2n ** 64n ? Number(number % BigInt(total)) : undefined;
}
