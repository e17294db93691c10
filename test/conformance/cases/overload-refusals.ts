import { simple, typed } from '../config.ts';
import { action, injected, mostConnections, point, scaled, threshold, timers } from '../overloads.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** An overload manager that both must take, or both must refuse. */
const judged = (name: string, manager: (places: Places) => Json): Scenario => ({
  feature: 'overload',
  name: `configuration: ${name}`,
  bootstrap: (places) => ({ ...simple(places, {}), overload_manager: manager(places) }),
  validateOnly: true,
  cases: [],
});

const judgedWith = (name: string, more: Json): Scenario =>
  judged(name, (places) => ({ resource_monitors: [injected(places)], ...more }));
const actions = (name: string, ...list: readonly Json[]): Scenario => judgedWith(name, { actions: list });
const points = (name: string, ...list: readonly Json[]): Scenario => judgedWith(name, { loadshed_points: list });
const monitors = (name: string, ...list: readonly Json[]): Scenario =>
  judged(name, () => ({ resource_monitors: list }));

const monitor = (name: string, type: string, config: Json): Json => ({
  name,
  typed_config: typed(`envoy.extensions.resource_monitors.${type}`, config),
});
const heap = (config: Json): Json =>
  monitor('envoy.resource_monitors.fixed_heap', 'fixed_heap.v3.FixedHeapConfig', config);
const file = (filename: string): Json => monitor('x', 'injected_resource.v3.InjectedResourceConfig', { filename });
const idle = { timer: 'HTTP_DOWNSTREAM_CONNECTION_IDLE', min_timeout: '1s' };
const scale = (...factors: readonly Json[]): Json => action('reduce_timeouts', [threshold(0.5)], timers(factors));
const refuse = (...triggers: readonly Json[]): Json => action('stop_accepting_requests', triggers);

export const scenarios: readonly Scenario[] = [
  judgedWith('a resource and nothing else', {}),
  judged('no resources', () => ({ actions: [refuse(threshold(0.5))] })),
  judged('nothing', () => ({})),
  judgedWith('an interval of 0', { refresh_interval: '0s' }),
  judgedWith('a negative interval', { refresh_interval: '-1s' }),
  judged('two resources of one name', (places) => ({ resource_monitors: [injected(places), injected(places)] })),
  monitors('a heap', heap({ max_heap_size_bytes: 1_000_000_000 })),
  monitors('a heap of nothing', heap({})),
  monitors('a heap of 0', heap({ max_heap_size_bytes: 0 })),
  monitors('a heap under another name', { ...heap({ max_heap_size_bytes: 1 }), name: 'mine' }),
  monitors('a resource without a name', { ...heap({ max_heap_size_bytes: 1 }), name: '' }),
  monitors('a resource without a configuration', { name: 'envoy.resource_monitors.fixed_heap' }),
  monitors('a resource of no known type', { name: 'x', typed_config: { '@type': 'type.googleapis.com/no.such.Type' } }),
  monitors('a file without a name', file('')),
  monitors('a file that is not there', file('/tmp/no-such-pressure')),
  monitors('most connections', mostConnections(10)),
  monitors('most connections: 0', mostConnections(0)),
  monitors('most connections: negative', mostConnections(-1)),
  monitors('most connections: text', mostConnections('5')),
  monitors('most connections under another name', mostConnections(1, 'x')),
  monitors('another resource under the name of connections', {
    ...heap({ max_heap_size_bytes: 1 }),
    name: 'envoy.resource_monitors.global_downstream_max_connections',
  }),
  judged('connections as a trigger', () => ({
    resource_monitors: [mostConnections(5)],
    actions: [refuse(threshold(0.5, 'envoy.resource_monitors.global_downstream_max_connections'))],
  })),
  judged('connections that are not watched as a trigger', (places) => ({
    resource_monitors: [injected(places)],
    actions: [refuse(threshold(0.5, 'envoy.resource_monitors.global_downstream_max_connections'))],
  })),
  actions('an action', refuse(threshold(0.5))),
  actions(
    'every action without a configuration',
    ...[
      'stop_accepting_requests',
      'disable_http_keepalive',
      'stop_accepting_connections',
      'reject_incoming_connections',
      'shrink_heap',
    ].map((name) => action(name, [threshold(1)])),
  ),
  actions('an unknown action', { name: 'x', triggers: [threshold(0.5)] }),
  actions('an unknown action of the namespace', action('x', [threshold(0.5)])),
  actions('an action without a name', { name: '', triggers: [threshold(0.5)] }),
  actions('an action twice', refuse(threshold(0.5)), refuse(threshold(0.7))),
  actions('no triggers', refuse()),
  actions('a trigger of another resource', refuse(threshold(0.5, 'other'))),
  actions('a trigger twice', refuse(threshold(0.5), scaled(0.1, 0.2))),
  actions('a trigger of nothing', refuse({ name: 'injected' })),
  actions('a trigger without a name', refuse(threshold(0.5, ''))),
  actions('a threshold of 0', refuse(threshold(0))),
  actions('a threshold of 1', refuse(threshold(1))),
  actions('a threshold above 1', refuse(threshold(1.01))),
  actions('a threshold below 0', refuse(threshold(-0.1))),
  actions('a scaled trigger', refuse(scaled(0.1, 0.2))),
  actions('a scale that does not grow', refuse(scaled(0.5, 0.5))),
  actions('a scale that shrinks', refuse(scaled(0.6, 0.5))),
  actions('a scale above 1', refuse(scaled(0.6, 1.5))),
  actions('a configuration where there is none', action('stop_accepting_requests', [threshold(0.5)], timers([idle]))),
  actions('timers', scale(idle)),
  actions('timers without a configuration', action('reduce_timeouts', [threshold(0.5)])),
  actions(
    'timers of another configuration',
    action('reduce_timeouts', [threshold(0.5)], {
      typed_config: typed('envoy.config.overload.v3.ShrinkHeapConfig', {}),
    }),
  ),
  actions('no timers', scale()),
  actions('a timer twice', scale(idle, idle)),
  actions('a timer of no kind', scale({ min_timeout: '1s' })),
  actions('a timer of an unknown kind', scale({ timer: 'NEVER', min_timeout: '1s' })),
  actions('a timer without a minimum', scale({ timer: 'HTTP_DOWNSTREAM_CONNECTION_IDLE' })),
  actions('a share', scale({ timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_scale: { value: 50 } })),
  actions('a share above 100', scale({ timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_scale: { value: 101 } })),
  actions('a minimum of 0', scale({ timer: 'HTTP_DOWNSTREAM_CONNECTION_MAX', min_timeout: '0s' })),
  actions('timers under a name of their own', { ...scale(idle), name: 'mine' }),
  actions('one timer in two actions', scale(idle), { ...scale(idle), name: 'mine' }),
  actions('two timers in two actions', scale(idle), {
    ...scale({ ...idle, timer: 'HTTP_DOWNSTREAM_STREAM_IDLE' }),
    name: 'mine',
  }),
  actions(
    'a heap that shrinks',
    action('shrink_heap', [threshold(0.5)], {
      typed_config: typed('envoy.config.overload.v3.ShrinkHeapConfig', { timer_interval: '5s' }),
    }),
  ),
  actions(
    'a heap that shrinks too often',
    action('shrink_heap', [threshold(0.5)], {
      typed_config: typed('envoy.config.overload.v3.ShrinkHeapConfig', { timer_interval: '0.5s' }),
    }),
  ),
  actions('a heap that shrinks by timers', action('shrink_heap', [threshold(0.5)], timers([idle]))),
  points('a point', point('tcp_listener_accept', [threshold(0.5)])),
  points(
    'a point twice',
    point('tcp_listener_accept', [threshold(0.5)]),
    point('tcp_listener_accept', [threshold(0.6)]),
  ),
  points('a point without triggers', point('tcp_listener_accept', [])),
  points('a point of another resource', point('tcp_listener_accept', [threshold(0.5, 'other')])),
  points('a trigger of a point twice', point('tcp_listener_accept', [threshold(0.5), threshold(0.6)])),
  points('a point that scales', point('tcp_listener_accept', [scaled(0.5, 0.9)])),
  points('a point that does not grow', point('tcp_listener_accept', [scaled(0.9, 0.5)])),
];
