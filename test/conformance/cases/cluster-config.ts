import { assignment, group, policy } from '../clusters.ts';
import { endpoint, simple, socketAddress, toCluster, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** A scenario that asks only whether a cluster is accepted. */
const check = (name: string, cluster: (places: Places) => Json): Scenario => ({
  feature: 'cluster validation',
  name: `cluster configuration: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    simple(places, {
      routes: [toCluster('c0')],
      clusters: [{ name: 'c0', connect_timeout: '1s', ...cluster(places) }],
    }),
});

const one = (places: Places): Json => assignment([group([endpoint(places, 0)])]);
const oneWith =
  (more: Json) =>
  (places: Places): Json => ({ ...one(places), ...more });
const source = (address: string, port = 0): Json => ({ address, port_value: port });
const named = (name: string): Json => ({ endpoint: { address: socketAddress(name, 80) } });
const subset = (config: Json, more: Json = {}) =>
  oneWith({ lb_subset_config: { fallback_policy: 'ANY_ENDPOINT', ...config }, ...more });
const selector = (keys: readonly string[], more: Json = {}): Json => ({ keys, ...more });
const outlier = (config: Json) => oneWith({ outlier_detection: config });
const health = (config: Json) =>
  oneWith({
    health_checks: [
      { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}, ...config },
    ],
  });
const options = (config: Json): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http_protocol_options: {} }, ...config },
    ),
  },
});
const thresholds = (...list: readonly Json[]) => oneWith({ circuit_breakers: { thresholds: list } });
const original = (more: Json): Json => ({ type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', ...more });

const table: Readonly<Record<string, (places: Places) => Json>> = {
  'STATIC without endpoints': () => ({}),
  'STATIC with a name': () => assignment([group([named('localhost')])]),
  'STATIC with eds_cluster_config': oneWith({ eds_cluster_config: { service_name: 'x' } }),
  'EDS without configuration': () => ({ type: 'EDS' }),
  'EDS without eds_config': () => ({ type: 'EDS', eds_cluster_config: {} }),
  'STRICT_DNS without endpoints': () => ({ type: 'STRICT_DNS' }),
  'LOGICAL_DNS without endpoints': () => ({ type: 'LOGICAL_DNS' }),
  'LOGICAL_DNS with two endpoints': () => ({
    type: 'LOGICAL_DNS',
    ...assignment([group([named('localhost'), named('localhost')])]),
  }),
  'LOGICAL_DNS with two localities': () => ({
    type: 'LOGICAL_DNS',
    ...assignment([group([named('localhost')]), group([named('localhost')])]),
  }),
  'dns_refresh_rate of a millisecond': oneWith({ dns_refresh_rate: '0.001s' }),
  'dns_refresh_rate of two milliseconds': oneWith({ dns_refresh_rate: '0.002s' }),
  'dns_failure_refresh_rate without base': oneWith({ dns_failure_refresh_rate: { max_interval: '1s' } }),
  'dns_failure_refresh_rate with a smaller maximum': () => ({
    type: 'STRICT_DNS',
    dns_failure_refresh_rate: { base_interval: '2s', max_interval: '1s' },
    ...assignment([group([named('localhost')])]),
  }),
  'dns_failure_refresh_rate with the same maximum': () => ({
    type: 'STRICT_DNS',
    dns_failure_refresh_rate: { base_interval: '2s', max_interval: '2s' },
    ...assignment([group([named('localhost')])]),
  }),
  'an endpoint without address': () => assignment([group([{ endpoint: {} }])]),
  'a named endpoint': () => assignment([group([{ endpoint_name: 'x' }])]),
  'port 0': () => assignment([group([{ endpoint: { address: socketAddress('127.0.0.1', 0) } }])]),
  'weight 0': (places) => assignment([group([endpoint(places, 0, { load_balancing_weight: 0 })])]),
  'priority 129': (places) => assignment([group([endpoint(places, 0)], { priority: 129 })]),
  'priority 128': (places) => assignment([group([endpoint(places, 0)], { priority: 128 })]),
  'overprovisioning 0': (places) => assignment([group([endpoint(places, 0)])], { overprovisioning_factor: 0 }),
  'no name for the assignment': (places) => ({
    load_assignment: { endpoints: [group([endpoint(places, 0)])] },
  }),
  'connect_timeout 0': oneWith({ connect_timeout: '0s' }),
  ORIGINAL_DST: () => original({}),
  'ORIGINAL_DST with ROUND_ROBIN': () => original({ lb_policy: 'ROUND_ROBIN' }),
  'ORIGINAL_DST with endpoints': (places) => ({ ...one(places), ...original({}) }),
  'ORIGINAL_DST with a header and no use of it': () =>
    original({ original_dst_lb_config: { http_header_name: 'x-to' } }),
  'ORIGINAL_DST with a header': () =>
    original({ original_dst_lb_config: { http_header_name: 'x-to', use_http_header: true } }),
  'ORIGINAL_DST with port 65536': () => original({ original_dst_lb_config: { upstream_port_override: 65536 } }),
  'ORIGINAL_DST with cleanup_interval 0': () => original({ cleanup_interval: '0s' }),
  'STATIC with CLUSTER_PROVIDED': oneWith({ lb_policy: 'CLUSTER_PROVIDED' }),
  'LOAD_BALANCING_POLICY_CONFIG without policy': oneWith({ lb_policy: 'LOAD_BALANCING_POLICY_CONFIG' }),
  'an empty list of policies': oneWith({ load_balancing_policy: { policies: [] } }),
  'load_balancing_policy with locality weights': oneWith({
    load_balancing_policy: policy('random.v3.Random'),
    common_lb_config: { locality_weighted_lb_config: {} },
  }),
  'load_balancing_policy with zone awareness': oneWith({
    load_balancing_policy: policy('random.v3.Random'),
    common_lb_config: { zone_aware_lb_config: {} },
  }),
  'load_balancing_policy with consistent hashing': oneWith({
    load_balancing_policy: policy('random.v3.Random'),
    common_lb_config: { consistent_hashing_lb_config: {} },
  }),
  'load_balancing_policy with a panic threshold': oneWith({
    load_balancing_policy: policy('random.v3.Random'),
    common_lb_config: { healthy_panic_threshold: { value: 10 } },
  }),
  'load_balancing_policy with subsets': subset({}, { load_balancing_policy: policy('random.v3.Random') }),
  'ring larger than its maximum': oneWith({
    lb_policy: 'RING_HASH',
    ring_hash_lb_config: { minimum_ring_size: 10, maximum_ring_size: 9 },
  }),
  'ring with a maximum below the default minimum': oneWith({
    lb_policy: 'RING_HASH',
    ring_hash_lb_config: { maximum_ring_size: 1000 },
  }),
  'ring of 8388609': oneWith({ lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 8388609 } }),
  'Maglev table of 100': oneWith({ lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 100 } }),
  'Maglev table of 101': oneWith({ lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 101 } }),
  'Maglev table of 0': oneWith({ lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 0 } }),
  'Maglev table of 5000011': oneWith({ lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 5000011 } }),
  'configuration of another policy': oneWith({ lb_policy: 'RANDOM', maglev_lb_config: { table_size: 101 } }),
  'least request of one choice': oneWith({ lb_policy: 'LEAST_REQUEST', least_request_lb_config: { choice_count: 1 } }),
  'weights over 2^32': (places) => ({
    lb_policy: 'RING_HASH',
    ...assignment([
      group([
        endpoint(places, 0, { load_balancing_weight: 4294967295 }),
        { ...named('127.0.0.1'), load_balancing_weight: 1 },
      ]),
    ]),
  }),
  'host names for hashing, STATIC': oneWith({
    common_lb_config: { consistent_hashing_lb_config: { use_hostname_for_hashing: true } },
  }),
  'hash balance factor 99': oneWith({
    common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 99 } },
  }),
  'panic threshold of 101': oneWith({ common_lb_config: { healthy_panic_threshold: { value: 101 } } }),
  'slow start aggression 0': oneWith({
    round_robin_lb_config: { slow_start_config: { slow_start_window: '1s', min_weight_percent: { value: 101 } } },
  }),
  'subset fallback to all its keys': subset({
    subset_selectors: [selector(['a'], { fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['a'] })],
  }),
  'subset fallback to no keys': subset({
    subset_selectors: [selector(['a'], { fallback_policy: 'KEYS_SUBSET' })],
  }),
  'subset fallback to other keys': subset({
    subset_selectors: [selector(['a', 'b'], { fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['c'] })],
  }),
  'subset fallback keys without their policy': subset({
    subset_selectors: [selector(['a', 'b'], { fallback_keys_subset: ['a'] })],
  }),
  'subset selectors twice the same': subset({ subset_selectors: [selector(['a']), selector(['a'])] }),
  'subset selector without keys': subset({ subset_selectors: [selector([])] }),
  'subset of a single host with two keys': subset({
    subset_selectors: [selector(['a', 'b'], { single_host_per_subset: true })],
  }),
  'subsets that know of weights without weights': subset({
    locality_weight_aware: true,
    subset_selectors: [selector(['a'])],
  }),
  'outlier maximum below the base': outlier({ base_ejection_time: '30s', max_ejection_time: '20s' }),
  'outlier base above the default maximum': outlier({ base_ejection_time: '400s' }),
  'outlier enforcing 101': outlier({ enforcing_consecutive_5xx: 101 }),
  'outlier interval 0': outlier({ interval: '0s' }),
  'outlier empty': outlier({}),
  'health check without timeout': health({ timeout: null }),
  'health check with interval 0': health({ interval: '0s' }),
  'health check without thresholds': health({ unhealthy_threshold: null }),
  'health check without kind': health({ tcp_health_check: null }),
  'health check without path': health({ tcp_health_check: null, http_health_check: {} }),
  'health check with CONNECT': health({ tcp_health_check: null, http_health_check: { path: '/', method: 'CONNECT' } }),
  'health check with a status range upside down': health({
    tcp_health_check: null,
    http_health_check: { path: '/', expected_statuses: [{ start: 300, end: 200 }] },
  }),
  'health check with a status of 99': health({
    tcp_health_check: null,
    http_health_check: { path: '/', expected_statuses: [{ start: 99, end: 200 }] },
  }),
  'health check with text that is not hex': health({ tcp_health_check: { send: { text: 'xyz' } } }),
  'health check with empty text': health({ tcp_health_check: { send: { text: '' } } }),
  'thresholds per host': oneWith({ circuit_breakers: { per_host_thresholds: [{ max_connections: 1 }] } }),
  'thresholds per host of requests': oneWith({ circuit_breakers: { per_host_thresholds: [{ max_requests: 1 }] } }),
  'thresholds twice': thresholds({ max_requests: 1 }, { max_requests: 2 }),
  'retry budget of 101 percent': thresholds({ retry_budget: { budget_percent: { value: 101 } } }),
  'requests per connection twice': oneWith({
    max_requests_per_connection: 1,
    ...options({ common_http_protocol_options: { max_requests_per_connection: 2 } }),
  }),
  'options of both protocols': oneWith({ http_protocol_options: {}, http2_protocol_options: {} }),
  'preconnect ratio below 1': oneWith({ preconnect_policy: { per_upstream_preconnect_ratio: 0.9 } }),
  'preconnect ratio above 3': oneWith({ preconnect_policy: { per_upstream_preconnect_ratio: 3.1 } }),
  'buffer limit of 0': oneWith({ per_connection_buffer_limit_bytes: 0 }),
  'bind configuration without an address': oneWith({ upstream_bind_config: {} }),
  'source address that is a name': oneWith({ upstream_bind_config: { source_address: source('localhost') } }),
  'source address with a named port': oneWith({
    upstream_bind_config: { source_address: { address: '127.0.0.1', named_port: 'http' } },
  }),
  'source address of UDP': oneWith({
    upstream_bind_config: { source_address: { ...source('127.0.0.1'), protocol: 'UDP' } },
  }),
  'extra source address without a source address': oneWith({
    upstream_bind_config: { extra_source_addresses: [{ address: source('::1') }] },
  }),
  'extra source address without address': oneWith({
    upstream_bind_config: { source_address: source('127.0.0.1'), extra_source_addresses: [{}] },
  }),
  'extra source address of the same version': oneWith({
    upstream_bind_config: {
      source_address: source('127.0.0.1'),
      extra_source_addresses: [{ address: source('127.0.0.2') }],
    },
  }),
  'extra source addresses, two': oneWith({
    upstream_bind_config: {
      source_address: source('127.0.0.1'),
      extra_source_addresses: [{ address: source('::1') }, { address: source('::2') }],
    },
  }),
  'extra and additional source addresses': oneWith({
    upstream_bind_config: {
      source_address: source('127.0.0.1'),
      extra_source_addresses: [{ address: source('::1') }],
      additional_source_addresses: [source('::1')],
    },
  }),
  'additional source address': oneWith({
    upstream_bind_config: { source_address: source('127.0.0.1'), additional_source_addresses: [source('::1')] },
  }),
  'source address of port 65536': oneWith({ upstream_bind_config: { source_address: source('127.0.0.1', 65536) } }),
  'socket option without a value': oneWith({ upstream_bind_config: { socket_options: [{ level: 1, name: 9 }] } }),
  'address selector of nobody': oneWith({
    upstream_bind_config: {
      source_address: source('127.0.0.1'),
      local_address_selector: {
        name: 'any',
        typed_config: { '@type': 'type.googleapis.com/google.protobuf.Duration' },
      },
    },
  }),
  'keepalive without times': oneWith({ upstream_connection_options: { tcp_keepalive: {} } }),
  'TLS under another name': oneWith({
    transport_socket: { name: 'x', typed_config: typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer') },
  }),
};

export const scenarios: readonly Scenario[] = Object.entries(table).map(([name, cluster]) => check(name, cluster));
