import { fail, formatIssue, type Issue, ok, type Result } from '../../base/index.ts';
import { Fields, type JsonObject, readMessage, typeName } from '../config/fields.ts';
import { readRequestShaping, type Shaping } from '../http/request-shaping.ts';
import { type FindTable, readScopedRoutes } from '../http/scoped-routes.ts';
import type { Route } from '../route/route.ts';
import { RouteTable } from '../route/table.ts';
import { Runtime } from '../runtime/runtime.ts';
import { placingContext, type RoutePlace } from './places.ts';

const routerType = 'envoy.extensions.filters.http.router.v3.Router';
const routerName = 'envoy.filters.http.router';

/** What of an HTTP connection manager decides where a request goes. */
export interface RoutingManager {
  readonly shaping: Shaping;
  readonly findTable: FindTable;
  /** Name of the route configuration that is discovered; undefined: the routes stand in the manager. */
  readonly routes: string | undefined;
  readonly placeOf: (route: Route) => RoutePlace | undefined;
  /** Whether random numbers may decide. */
  readonly draws: boolean;
  /** Names of the filters before the router. */
  readonly filters: readonly string[];
  /** What a request was before it was rewritten goes along in headers. */
  readonly keepsOriginal: boolean;
}

/** Reads an `HttpConnectionManager` at `path`; other fields of it are not looked at. */
export function readRoutingManager(
  json: JsonObject,
  path: string,
  routes: ReadonlyMap<string, JsonObject>,
): Result<RoutingManager, string> {
  const issues: Issue[] = [];
  const fields = new Fields(json, path, issues);
  const { context, placeOf } = placingContext();
  const readTable = (inner: Fields): RouteTable => new RouteTable(inner, context);
  const rds = fields.message('rds', (inner) => {
    inner.ignore('config_source');
    return inner.required('route_config_name');
  });
  const discovered = rds === undefined ? undefined : routes.get(rds);
  if (rds !== undefined && !discovered) return fail(`there is no route configuration ${rds}`);
  const table = discovered ? readMessage(discovered, '', issues, readTable) : fields.message('route_config', readTable);
  const scoped = fields.message('scoped_routes', (inner) => readScopedRoutes(inner, readTable));
  const read: RoutingManager = {
    shaping: readRequestShaping(fields, { node: { id: '', cluster: '' }, runtime: new Runtime() }),
    findTable: scoped ?? (() => table),
    routes: rds,
    placeOf,
    draws: /"(?:weighted_clusters|runtime_fraction)"/.test(JSON.stringify(discovered ?? json)),
    ...readFilters(fields),
  };
  const [issue] = issues;
  return issue ? fail(formatIssue(issue)) : ok(read);
}

function readFilters(fields: Fields): Pick<RoutingManager, 'filters' | 'keepsOriginal'> {
  const filters: string[] = [];
  let keepsOriginal = true;
  for (const filter of fields.items('http_filters') as readonly JsonObject[]) {
    const config = (filter['typed_config'] ?? {}) as JsonObject;
    const isRouter = filter['name'] === routerName && !filter['typed_config'];
    if (isRouter || typeName(config) === routerType) keepsOriginal = config['suppress_envoy_headers'] !== true;
    else if (filter['disabled'] !== true) filters.push(String(filter['name']));
  }
  return { filters, keepsOriginal };
}
