import { type Fields, isObject, typeName } from '../config/fields.ts';
import { CONNECTIONS } from './names.ts';

/** What the pressure of a resource is taken from. */
export type MonitorSource =
  /** Resident memory of the process, against so many bytes. */
  | { readonly kind: 'memory'; readonly mostBytes: number }
  /** A number in a file. */
  | { readonly kind: 'file'; readonly path: string }
  /** How late the event loop of the worker that is latest comes to its timers, against so many milliseconds. */
  | { readonly kind: 'delay'; readonly mostMs: number };

export interface MonitorConfig {
  readonly name: string;
  readonly source: MonitorSource;
}

interface Monitors {
  readonly monitors: readonly MonitorConfig[];
  readonly mostConnections: number | undefined;
  /** What triggers may name. Connections may be named, watched or not, and as in Envoy trigger nothing. */
  readonly names: ReadonlySet<string>;
}

const CONNECTIONS_TYPE = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';

const READERS: ReadonlyMap<string, (config: Fields) => MonitorSource> = new Map<
  string,
  (config: Fields) => MonitorSource
>([
  [
    'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig',
    (config) => {
      const mostBytes = config.number('max_heap_size_bytes') ?? 0;
      if (mostBytes <= 0) config.problem('max_heap_size_bytes', 'found 0', 'more than 0');
      return { kind: 'memory', mostBytes };
    },
  ],
  [
    'envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig',
    (config) => ({ kind: 'file', path: config.required('filename') }),
  ],
  [
    'ciliate.resource_monitors.event_loop_delay.v1.EventLoopDelay',
    (config) => ({ kind: 'delay', mostMs: config.duration('max_delay') ?? 0 }),
  ],
]);

/** Reads `resource_monitors`. */
export function readMonitors(fields: Fields): Monitors {
  const monitors: MonitorConfig[] = [];
  const names = new Set<string>();
  let mostConnections: number | undefined;
  fields.list('resource_monitors', (monitor) => {
    const name = monitor.required('name');
    if (names.has(name)) monitor.problem('name', `Duplicate resource monitor ${name}`);
    names.add(name);
    const config = monitor.raw('typed_config');
    const type = isObject(config) ? typeName(config) : '';
    const read = name === CONNECTIONS ? undefined : READERS.get(type);
    if (name === CONNECTIONS && type === CONNECTIONS_TYPE)
      mostConnections = monitor.message('typed_config', (inner) => inner.number('max_active_downstream_connections'));
    else if (read) {
      const source = monitor.message('typed_config', read);
      if (source) monitors.push({ name, source });
    } else refuse(monitor, name, type);
    return true;
  });
  return { monitors, mostConnections, names: new Set([...names, CONNECTIONS]) };
}

function refuse(monitor: Fields, name: string, type: string): void {
  const allowed = [...READERS.keys(), `${CONNECTIONS_TYPE} under the name ${CONNECTIONS}`].join(', ');
  const what = type === CONNECTIONS_TYPE || name === CONNECTIONS ? ` under the name '${name}'` : '';
  monitor.problem('typed_config.@type', `${type || 'nothing'}${what} is not supported by ciliate-proxy`, allowed);
}
