import type { Issue } from '../../base/index.ts';
import { type Fields, type JsonObject, readMessage } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { RouteContext } from './context.ts';
import { buildDomains, type DomainIndex } from './domains.ts';
import { readMirrors } from './mirror.ts';
import { portStart } from './redirect.ts';
import { type Route, readMutations, withLevel } from './route.ts';
import { readVirtualHost, type VirtualHost } from './virtual-host.ts';

/** What a route table is given to be compiled. */
export interface RouteTableContext extends Pick<RouteContext, 'readFilters' | 'runtime' | 'stats'> {
  readonly hasCluster: (name: string) => boolean;
  /** Whether clusters must be there already, unless the table itself says so or not. */
  readonly validateClusters: boolean;
}

const MAX_DIRECT_BODY = 4096;

/** A compiled `envoy.config.route.v3.RouteConfiguration`. */
export class RouteTable {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  /** Removed from every request before it is matched: none counts as internal. */
  readonly internalHeaders: readonly string[];
  readonly #domains: DomainIndex<VirtualHost>;
  readonly #hostHeader: string;
  readonly #ignorePort: boolean;

  constructor(fields: Fields, context: RouteTableContext) {
    fields.ignore('metadata');
    this.name = fields.text('name');
    this.internalHeaders = fields.strings('internal_only_headers').map((name) => name.toLowerCase());
    this.#ignorePort = fields.flag('ignore_port_in_host_matching');
    this.#hostHeader = fields.text('vhost_header').toLowerCase();
    const validates = fields.boolean('validate_clusters') ?? context.validateClusters;
    const inner: RouteContext = {
      readFilters: context.readFilters,
      runtime: context.runtime,
      stats: context.stats,
      hasCluster: validates ? context.hasCluster : undefined,
      maxDirectBody: fields.number('max_direct_response_body_size_bytes') ?? MAX_DIRECT_BODY,
    };
    const level = {
      filters: withLevel(context.readFilters(fields), []),
      mutations: readMutations(fields),
      mirrors: readMirrors(fields, inner),
      specificWins: fields.flag('most_specific_header_mutations_wins'),
      ignorePathParameters: fields.flag('ignore_path_parameters_in_path_matching'),
    };
    this.virtualHosts = fields.list('virtual_hosts', (host) => readVirtualHost(host, level, inner));
    this.#domains = buildDomains(this.virtualHosts, this.name, fields);
  }

  /** The route of a request. `random`: its stable random number, 0 to 2^32-1. */
  find(info: StreamInfo, random: number): Route | undefined {
    const host = this.virtualHost(info);
    if (!host) return undefined;
    info.virtualHostName = host.name;
    return host.find(info, random);
  }

  virtualHost(info: StreamInfo): VirtualHost | undefined {
    const name = this.#hostHeader === '' ? info.request?.authority : info.requestHeader(this.#hostHeader);
    if (name === undefined) return this.#domains.nameless;
    return this.#domains.find(this.#ignorePort ? withoutPort(name) : name);
  }
}

function withoutPort(name: string): string {
  const colon = portStart(name);
  return colon < 0 ? name : name.slice(0, colon);
}

/** Compiles a route configuration; every fault goes to `issues`. */
export function compileRouteTable(
  json: JsonObject,
  path: string,
  issues: Issue[],
  context: RouteTableContext,
): RouteTable {
  return readMessage(json, path, issues, (fields) => new RouteTable(fields, context));
}
