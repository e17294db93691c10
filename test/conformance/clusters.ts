import { endpoint, simple, toCluster, typed } from './config.ts';
import type { Case, Json, Places, Request, Scenario } from './types.ts';

/** Builders for cases about clusters: many clusters in one bootstrap, each behind a path of its own. */

export interface ClusterCase {
  readonly name: string;
  /** Everything of the cluster but its name. */
  cluster(places: Places): Json;
  /** What the route says beside the cluster. */
  readonly route?: Json;
  /** Default: the shares of 120 requests. */
  readonly play?: Partial<Case>;
}

const rounds = 6;
const requestsARound = 20;

/** Clusters `c0`, `c1`, ... of one scenario; the requests of a case go to its own. */
export function clusterScenario(
  about: Omit<Scenario, 'bootstrap' | 'cases'>,
  list: readonly ClusterCase[],
  more: (places: Places) => Json = () => ({}),
): Scenario {
  return {
    ...about,
    bootstrap: (places) => ({
      ...simple(places, {
        routes: list.map((one, index) => toCluster(`c${index}`, one.route ?? {}, { prefix: `/${index}/` })),
        clusters: list.map((one, index) => ({ name: `c${index}`, connect_timeout: '1s', ...one.cluster(places) })),
      }),
      ...more(places),
    }),
    cases: list.map(({ name, play }, index): Case => {
      const at = (request: Request | string): Request | string =>
        typeof request === 'string' ? request : { ...request, path: `/${index}${request.path ?? '/'}` };
      const requests = play?.requests?.map(at);
      if (play && play.repeat === undefined) return { name, ...play, ...(requests ? { requests } : {}) };
      return {
        name,
        repeat: rounds,
        tolerance: 0.02,
        ...play,
        requests: requests ?? new Array<Request>(requestsARound).fill({ path: `/${index}/` }),
      };
    }),
  };
}

/** An endpoint for each of the backends, with the weights where there are some. */
export const endpoints = (places: Places, backends: readonly number[], weights: readonly number[] = []): Json[] =>
  backends.map((backend, index) =>
    endpoint(places, backend, weights[index] === undefined ? {} : { load_balancing_weight: weights[index] }),
  );

/** A load assignment of localities; each is a list of endpoints with what else belongs to the locality. */
export const assignment = (groups: readonly Json[], policy?: Json): Json => ({
  load_assignment: { cluster_name: 'any', endpoints: groups, ...(policy ? { policy } : {}) },
});

export const group = (lbEndpoints: readonly Json[], more: Json = {}): Json => ({ lb_endpoints: lbEndpoints, ...more });

const policies = 'envoy.extensions.load_balancing_policies';

/** `load_balancing_policy` with one policy such as `round_robin.v3.RoundRobin`. */
export const policy = (name: string, config: Json = {}): Json => ({
  policies: [{ typed_extension_config: { name: 'any', typed_config: typed(`${policies}.${name}`, config) } }],
});
