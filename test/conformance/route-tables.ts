import { bootstrap, cluster, listener, manager, routeConfig } from './config.ts';
import type { Case, Json, Places, Request, Scenario } from './types.ts';

/** A virtual host with the requests that are sent to it; its domain is `<name>.test`, unless it says otherwise. */
export interface Table {
  readonly name: string;
  readonly routes: readonly Json[];
  readonly host?: Json;
  readonly requests: readonly (readonly [string, Request])[];
}

/** A scenario of one listener whose virtual hosts are the tables; each request is a case of its own. */
export function tableScenario(
  feature: string,
  name: string,
  tables: readonly Table[],
  options: {
    readonly config?: Json;
    readonly manager?: Json;
    readonly clusters?: (places: Places) => readonly Json[];
    readonly bootstrap?: Json;
    readonly backends?: Scenario['backends'];
  } = {},
): Scenario {
  const hosts = tables.map(({ name: table, routes, host }) => ({
    name: table,
    domains: [`${table}.test`],
    routes,
    ...host,
  }));
  return {
    feature,
    name,
    ...(options.backends ? { backends: options.backends } : {}),
    bootstrap: (places) => {
      const config = { name: 'routes', virtual_hosts: hosts, ...options.config };
      const hcm = manager(places, { route_config: config, ...options.manager });
      const clusters = options.clusters?.(places) ?? [cluster(places, 0)];
      return bootstrap(places, [listener(places, 0, [hcm])], clusters, options.bootstrap);
    },
    cases: tables.flatMap((table) =>
      table.requests.map(
        ([label, request]): Case => ({
          name: `${table.name}: ${label}`,
          requests: [{ host: `${table.name}.test`, ...request }],
        }),
      ),
    ),
  };
}

/** A route that answers with its name. */
export const named = (name: string, match: Json, more: Json = {}): Json => ({
  name,
  match,
  direct_response: { status: 200, body: { inline_string: name } },
  ...more,
});

export const forward = (match: Json, action: Json = {}, more: Json = {}): Json => ({
  match,
  route: { cluster: 'c0', ...action },
  ...more,
});

export const headerOption = (key: string, value: string, more: Json = {}): Json => ({
  header: { key, value },
  ...more,
});

/** A scenario that asks only whether a route configuration is accepted. */
export function refusal(
  name: string,
  routes: readonly Json[],
  options: { readonly config?: Json; readonly host?: Json } = {},
): Scenario {
  return {
    feature: 'route validation',
    name,
    validateOnly: true,
    cases: [],
    bootstrap: (places) => {
      const config = routeConfig(routes, options.config, options.host);
      return bootstrap(
        places,
        [listener(places, 0, [manager(places, { route_config: config })])],
        [cluster(places, 0)],
      );
    },
  };
}
