import type { LoadBalancerContext, MetadataCriterion } from '../cluster/context.ts';
import type { Fields } from '../config/fields.ts';
import { type Hash64, xxHash64 } from '../hash/xxhash64.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { mergeCriteria, readCriteria } from '../route/metadata-match.ts';

/** Where a connection goes. */
export interface TcpRoute {
  readonly cluster: string;
  readonly metadataMatch: readonly MetadataCriterion[] | undefined;
}

/** Under this name a filter notes the cluster of a connection, which goes before that of the proxy, though not before several. */
export const CLUSTER_KEY = 'envoy.tcp_proxy.cluster';

/** Reads which clusters there are; what it returns chooses for one connection. */
export function readTcpRoutes(fields: Fields): (info: StreamInfo) => TcpRoute {
  const metadataMatch = fields.message('metadata_match', readCriteria);
  switch (fields.oneOf('cluster_specifier', ['cluster', 'weighted_clusters'])) {
    case 'cluster': {
      const route = { cluster: fields.text('cluster'), metadataMatch };
      return ({ filterState }) => {
        const noted = filterState?.[CLUSTER_KEY];
        return typeof noted === 'string' ? { cluster: noted, metadataMatch } : route;
      };
    }
    case 'weighted_clusters':
      return (
        fields.message('weighted_clusters', (inner) => readWeighted(inner, metadataMatch)) ?? (() => nowhere(undefined))
      );
    default:
      fields.problem('cluster_specifier', 'is required');
      return () => nowhere(undefined);
  }
}

const nowhere = (metadataMatch: TcpRoute['metadataMatch']): TcpRoute => ({ cluster: '', metadataMatch });

function readWeighted(fields: Fields, common: TcpRoute['metadataMatch']): () => TcpRoute {
  let total = 0;
  const routes = fields.list('clusters', (one) => {
    const weight = one.number('weight') ?? 0;
    if (weight < 1) one.problem('weight', 'value must be greater than or equal to 1');
    total += weight;
    const own = one.message('metadata_match', readCriteria);
    return { upTo: total, route: { cluster: one.required('name'), metadataMatch: mergeCriteria(common, own) } };
  });
  if (routes.length === 0) fields.problem('clusters', 'value must contain at least 1 item(s)');
  return () => {
    const point = Math.random() * total;
    return routes.find(({ upTo }) => point < upTo)?.route ?? nowhere(common);
  };
}

export type TcpHash = (info: StreamInfo) => Hash64 | undefined;

/** Reads `hash_policy`. No filter here keeps objects that have a hash, so `filter_state` gives none. */
export function readTcpHash(fields: Fields): TcpHash {
  const policies = fields.list('hash_policy', (policy): TcpHash => {
    const kind = policy.oneOf('policy_specifier', ['source_ip', 'filter_state']);
    if (kind === undefined) policy.problem('policy_specifier', 'is required');
    policy.message('filter_state', (inner) => inner.text('key'));
    policy.message('source_ip', () => undefined);
    return kind === 'source_ip' ? sourceHash : () => undefined;
  });
  if (policies.length > 1) fields.problem('hash_policy', 'value must contain no more than 1 item(s)');
  return policies[0] ?? (() => undefined);
}

function sourceHash({ peers: { remote } }: StreamInfo): Hash64 | undefined {
  return remote.address.startsWith('/') ? undefined : xxHash64(Buffer.from(remote.address, 'latin1'));
}

/** What a load balancer may ask about a connection. */
export class TcpContext implements LoadBalancerContext {
  readonly info: StreamInfo;
  readonly metadataMatch: TcpRoute['metadataMatch'];
  readonly retry = undefined;
  readonly #hash: TcpHash;

  constructor(info: StreamInfo, { metadataMatch }: TcpRoute, hash: TcpHash) {
    this.info = info;
    this.metadataMatch = metadataMatch;
    this.#hash = hash;
  }

  hash(): Hash64 | undefined {
    return this.#hash(this.info);
  }
}
