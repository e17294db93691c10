import type { Fields } from '../config/fields.ts';
import { clusterOf, type Route } from '../route/route.ts';
import type { RouteTable } from '../route/table.ts';
import type { RequestHead } from './head.ts';
import type { HttpStream } from './stream.ts';
import type { StreamInfo } from './stream-info.ts';

/** The table that is in force for a request; undefined: there is none. */
export type FindTable = (info: StreamInfo) => RouteTable | undefined;

/** Takes away what counts as internal in the table of a request from outside. That may have named its scope, so it is looked for again. */
export function tableFor(
  stream: StreamInfo & { readonly internal: boolean; readonly head: RequestHead },
  find: FindTable,
): RouteTable | undefined {
  const table = find(stream);
  if (!table || stream.internal || table.internalHeaders.length === 0) return table;
  for (const name of table.internalHeaders) stream.head.headers.remove(name);
  return find(stream);
}

/** Finds the route of a stream's head as it is now, and has the stream know of it. */
export function findRoute(stream: HttpStream): Route | undefined {
  const route = stream.routes?.find(stream, stream.random);
  stream.route = route;
  stream.routeName = route?.name ?? '';
  stream.routeCluster = route ? clusterOf(route, stream) : '';
  stream.takeCluster(stream.routeCluster, stream.manager.clusters.get(stream.routeCluster)?.config);
  stream.routeResolutions++;
  return route;
}

/** What a request says of one fragment of its scope; undefined: it has no scope. */
type FragmentOf = (info: StreamInfo) => string | undefined;

/**
 * Reads the `scoped_routes` of a connection manager with their tables inline: the table of a request is the one whose key the request's
 * headers spell. Discovery of scopes is not built.
 */
export function readScopedRoutes(fields: Fields, readTable: (fields: Fields) => RouteTable): FindTable {
  fields.ignore('name', 'rds_config_source');
  const fragments = fields.message('scope_key_builder', (inner) => inner.list('fragments', readFragment)) ?? [];
  const key = 'scoped_route_configurations_list';
  if (fields.oneOf('config_specifier', [key]) === undefined) return () => undefined;
  const tables = new Map<string, RouteTable>();
  fields.message(key, (list) =>
    list.list('scoped_route_configurations', (scope) => {
      const table = readScope(scope, readTable);
      if (table) tables.set(table.key, table.table);
    }),
  );
  return (info) => {
    let spelled = '';
    for (let at = 0; at < fragments.length; at++) {
      const value = fragments[at]?.(info);
      if (value === undefined) return undefined;
      spelled += `${value}\n`;
    }
    return tables.get(spelled);
  };
}

function readScope(
  fields: Fields,
  readTable: (fields: Fields) => RouteTable,
): { readonly key: string; readonly table: RouteTable } | undefined {
  fields.required('name');
  fields.ignore('on_demand');
  if (fields.text('route_configuration_name') !== '') {
    const fault = 'Fetching routes via RDS (route_configuration_name) is not supported with inline scoped routes.';
    fields.problem('route_configuration_name', fault);
  } else if (!fields.has('route_configuration')) {
    fields.problem('route_configuration', 'You must specify a route_configuration with inline scoped routes.');
  }
  const parts = fields.message('key', (inner) => inner.list('fragments', (one) => one.text('string_key'))) ?? [];
  const table = fields.message('route_configuration', readTable);
  const key = parts.map((part) => `${Buffer.from(part, 'utf8').toString('latin1')}\n`).join('');
  return table && { key, table };
}

function readFragment(fields: Fields): FragmentOf {
  const nothing: FragmentOf = () => undefined;
  if (fields.oneOf('type', ['header_value_extractor']) === undefined) return nothing;
  return fields.message('header_value_extractor', readExtractor) ?? nothing;
}

/** Takes the value of a header apart: an element by its position, or the one that begins with a key. */
function readExtractor(fields: Fields): FragmentOf {
  const written = fields.required('name').toLowerCase();
  const name = written === 'host' ? ':authority' : written;
  const separator = fields.text('element_separator');
  const elements = (value: string): readonly string[] => (separator === '' ? [value] : value.split(separator));
  const element = fields.message('element', (inner) => ({
    separator: inner.required('separator'),
    key: inner.required('key'),
  }));
  if (element) {
    return (info) => {
      const value = info.requestHeader(name);
      return value === undefined ? undefined : valueBehind(elements(value), element.separator, element.key);
    };
  }
  const index = fields.number('index');
  if (index === undefined) fields.problem('', 'HeaderValueExtractor extract_type not set.');
  if (index && separator === '') fields.problem('index', 'Index > 0 for empty string element separator.');
  return (info) => {
    const value = info.requestHeader(name);
    return value === undefined ? undefined : elements(value)[index ?? 0];
  };
}

/** What stands behind `key` and the separator in the first element that begins so; nothing, where the key is all. */
function valueBehind(elements: readonly string[], separator: string, key: string): string | undefined {
  for (const element of elements) {
    const at = element.indexOf(separator);
    if ((at < 0 ? element : element.slice(0, at)) === key) return at < 0 ? '' : element.slice(at + separator.length);
  }
  return undefined;
}
