import { bootstrap, cluster, fileLog, listener, manager, routeConfig, toCluster } from './config.ts';
import type { Case, Json, Places, Scenario } from './types.ts';

/** One way to configure a connection manager, and what is sent to it. */
export interface Variant {
  readonly name: string;
  readonly manager?: Json;
  /** Default: everything to `c0`. */
  readonly routes?: readonly Json[];
  readonly routeConfig?: Json;
  readonly virtualHost?: Json;
  readonly listener?: Json;
  /** Named below the variant's name. */
  readonly cases: readonly Case[];
}

export interface VariantOptions extends Omit<Scenario, 'feature' | 'name' | 'cases' | 'bootstrap'> {
  readonly clusters?: (places: Places) => readonly Json[];
  readonly bootstrap?: Json;
  /** Format of the access log. */
  readonly log?: string;
}

/** Many connection managers in one proxy, each on a listener of its own: starting a proxy is what takes time. */
export function variants(
  feature: string,
  name: string,
  list: readonly Variant[],
  options: VariantOptions = {},
): Scenario {
  const { clusters = (places: Places) => [cluster(places, 0)], bootstrap: more, log, ...rest } = options;
  return {
    ...rest,
    feature,
    name,
    bootstrap: (places) =>
      bootstrap(
        places,
        list.map((variant, index) => listenerOf(places, variant, index, log)),
        clusters(places),
        more,
      ),
    cases: list.flatMap((variant, index) =>
      variant.cases.map((one): Case => ({ ...one, name: `${variant.name}: ${one.name}`, listener: index })),
    ),
  };
}

function listenerOf(places: Places, variant: Variant, index: number, log: string | undefined): Json {
  const routes = variant.routes ?? [toCluster()];
  const hcm = manager(places, {
    route_config: routeConfig(routes, variant.routeConfig, variant.virtualHost),
    ...(log === undefined ? {} : { access_log: [fileLog(places, log)] }),
    ...variant.manager,
  });
  return listener(places, index, [hcm], variant.listener);
}
