import type { Cluster } from '../../cluster/cluster.ts';
import type { LoadBalancerContext, MetadataCriterion, RetrySelection } from '../../cluster/context.ts';
import type { NamedStats } from '../../cluster/named-stats.ts';
import type { OverrideHost } from '../../cluster/override-host.ts';
import { isObject } from '../../config/fields.ts';
import { type Hash64, xxHash64 } from '../../hash/xxhash64.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { Peer, StreamInfo } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { type RoutingCookie, requestHash } from '../../route/hash-policy.ts';
import { mergeCriteria } from '../../route/metadata-match.ts';
import type { WeightedCluster } from '../../route/weighted.ts';
import type { RouterDownstream } from './downstream.ts';
import type { RetryState } from './retry-state.ts';
import { type Switching, switchingOf } from './switching.ts';

const STAT_NAME = 'x-envoy-upstream-alt-stat-name';

/** What a request says to the load balancer of the cluster that it goes to. */
export class RoutingContext implements LoadBalancerContext {
  readonly stream: RouterDownstream;
  readonly action: ForwardAction;
  readonly switching: Switching;
  cluster: Cluster;
  protected retries: RetryState | undefined = undefined;
  /** Values of `set-cookie` that the response will carry. */
  protected cookies: string[] | undefined = undefined;
  /** Counted as a request from inside. */
  internal = false;
  /** Further statistics of the cluster, which the request names. */
  named: NamedStats | undefined = undefined;

  constructor(stream: RouterDownstream, action: ForwardAction, cluster: Cluster) {
    this.cluster = cluster;
    this.stream = stream;
    this.action = action;
    this.switching = switchingOf(stream, action);
  }

  /** Notes whether the request comes from inside and what its statistics are called, which goes no further. */
  takeMarks(headers: HeaderMap): void {
    this.internal = headers.get('x-envoy-internal') === 'true';
    const name = headers.get(STAT_NAME);
    if (name === undefined) return;
    headers.remove(STAT_NAME);
    this.named = this.cluster.statsNamed(name);
  }

  get info(): StreamInfo {
    return this.stream;
  }

  hash(): Hash64 | undefined {
    const { hashPolicies: own } = this.cluster.config.routing;
    const policies = own.length > 0 ? own : this.action.hashPolicies;
    if (policies.length === 0) return undefined;
    return requestHash(policies, this.stream, (cookie) => this.#addCookie(cookie));
  }

  #addCookie(cookie: RoutingCookie): string {
    const value = routingCookieValue(this.stream);
    this.cookies ??= [];
    this.cookies.push(setCookieText(cookie, value));
    return value;
  }

  get metadataMatch(): readonly MetadataCriterion[] | undefined {
    return subsetCriteria(this.action.metadataMatch, this.stream.route?.weighted, this.stream);
  }

  /** Only the first attempt goes where a filter wants. */
  get override(): OverrideHost | undefined {
    return this.stream.attempts > 1 ? undefined : this.stream.overrideHost;
  }

  get retry(): RetrySelection | undefined {
    return this.stream.attempts > 1 ? this.retries?.selection : undefined;
  }
}

const merged = new WeakMap<WeightedCluster, readonly MetadataCriterion[]>();

/** Which subset of a cluster a request may go to: what filters noted for the load balancer wins over the weighted cluster, and that over the route. */
function subsetCriteria(
  route: readonly MetadataCriterion[] | undefined,
  weighted: WeightedCluster | undefined,
  info: StreamInfo,
): readonly MetadataCriterion[] | undefined {
  const configured = weighted?.metadataMatch ? withWeighted(route, weighted) : route;
  const noted = info.metadata('envoy.lb', []);
  if (!isObject(noted)) return configured;
  const own = Object.entries(noted).map(([name, value]) => ({ name, value }));
  return mergeCriteria(configured ?? [], own);
}

function withWeighted(
  route: readonly MetadataCriterion[] | undefined,
  weighted: WeightedCluster,
): readonly MetadataCriterion[] | undefined {
  const known = merged.get(weighted);
  if (known) return known;
  const both = mergeCriteria(route, weighted.metadataMatch);
  if (both) merged.set(weighted, both);
  return both;
}

/** The value of a routing cookie: the same for all requests of a connection, so that requests at the same time agree. */
function routingCookieValue({ peers }: StreamInfo): string {
  const text = `${peerText(peers.remote)}${peerText(peers.local)}`;
  const { high, low } = xxHash64(Buffer.from(text, 'latin1'));
  return hex(high) + hex(low);
}

function peerText({ address, port }: Peer): string {
  if (address.startsWith('/')) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** Value of `set-cookie`. */
export function setCookieText({ name, ttl = 0, path, attributes }: RoutingCookie, value: string): string {
  const age = ttl === 0 ? '' : `; Max-Age=${ttl}`;
  return `${name}="${value}"${age}${path === '' ? '' : `; Path=${path}`}${attributes}; HttpOnly`;
}
