import { readStreamSource } from '../config/config-source.ts';
import { type Fields, typeName } from '../config/fields.ts';
import type { DiscoverFilter, FilterSubscription } from '../filter/context.ts';
import { LISTENER_STATS, type ListenerStats } from '../listener/stats.ts';
import type { NetworkFilter, NetworkFilterContext, NetworkFilterKind } from './filter.ts';

/** What a chain needs to have its filters discovered. */
export interface DiscoveringContext extends NetworkFilterContext {
  readonly discoverFilter: DiscoverFilter;
  /** `listener.<address>.` */
  readonly statPrefix: string;
}

/** A filter that has not come serves nobody. */
function missingFilter(counters: ListenerStats): NetworkFilter {
  return {
    begin: (stream) => ({
      onConnection: () => {
        counters.networkExtensionMissing++;
        stream.close('');
        return 'stop';
      },
    }),
  };
}

type Kinds = ReadonlyMap<string, NetworkFilterKind>;
type Source = Pick<FilterSubscription<NetworkFilter>, 'fallback' | 'types' | 'waits' | 'timeoutMs'>;

/**
 * A network filter whose configuration is discovered (`config_discovery`). A connection keeps the version that it began with;
 * a new version ends none.
 */
export function readDiscovered(filter: Fields, name: string, context: DiscoveringContext, kinds: Kinds): NetworkFilter {
  const source = filter.message('config_discovery', (inner) => readSource(inner, context, kinds));
  const cell = context.discoverFilter<NetworkFilter>(name, {
    place: 'connection',
    read: (fields) => kinds.get(typeName(fields.json))?.read(fields, context),
    fallback: source?.fallback,
    types: source?.types ?? new Set(),
    waits: source?.waits ?? true,
    timeoutMs: source?.timeoutMs ?? 0,
  });
  const missing = missingFilter(context.stats.get(LISTENER_STATS, context.statPrefix));
  return { begin: (stream) => (cell.filter ?? missing).begin(stream) };
}

/** Reads an `envoy.config.core.v3.ExtensionConfigSource`. */
function readSource(fields: Fields, context: NetworkFilterContext, kinds: Kinds): Source {
  const types = new Set(fields.strings('type_urls').map((url) => url.slice(url.lastIndexOf('/') + 1)));
  for (const [index, type] of [...types].entries()) {
    if (kinds.has(type)) continue;
    const message = `network filter ${JSON.stringify(type)} is not supported by ciliate-proxy here`;
    fields.problem(`type_urls[${index}]`, message, [...kinds.keys()].sort().join(', '));
  }
  const fallback = fields.message('default_config', (config) => {
    const type = typeName(config.json);
    const kind = types.has(type) ? kinds.get(type) : undefined;
    if (kind) return kind.read(config, context);
    config.ignore(...Object.keys(config.json));
    config.problem('@type', `filter config has type ${type}`, [...types].join(', '));
    return undefined;
  });
  const waits = !fields.flag('apply_default_config_without_warming');
  const source = fields.message('config_source', readStreamSource);
  return { fallback, types, waits, timeoutMs: source?.fetchTimeout ?? 0 };
}
