/** A name without the parts that vary, and those parts as label and value, in the order of extraction. */
export interface Tagged {
  readonly name: string;
  readonly tags: readonly (readonly [string, string])[];
}

interface Rule {
  readonly tag: string;
  /** Group 1 goes out of the name, group 2 (or 1) is the value. */
  readonly pattern: RegExp;
  /** Names without it need not be tried. */
  readonly hint: string;
}

/** A part between two dots in a place that varies. */
const PART = '([^.]+)';

const rule = (tag: string, pattern: string, hint: string): Rule => ({ tag, pattern: new RegExp(pattern), hint });

/**
 * Envoy's default tags, in its order. Which place of a name is a tag was read off Envoy 1.40's Prometheus output; the
 * names of listeners may hold dots where they are addresses.
 */
const RULES: readonly Rule[] = [
  rule('envoy.response_code', '_rq(_(\\d{3}))$', '_rq_'),
  rule('envoy.response_code_class', '_rq_((\\d))xx$', '_rq_'),
  rule('envoy.http_user_agent', `^http\\.[^.]+\\.user_agent\\.(${PART}\\.)`, '.user_agent.'),
  rule('envoy.virtual_cluster', `^vhost\\.[^.]+\\.vcluster\\.(${PART}\\.)`, '.vcluster.'),
  rule('envoy.fault_downstream_cluster', `^http\\.[^.]+\\.fault\\.(${PART}\\.)`, '.fault.'),
  rule('envoy.grpc_bridge_method', `^cluster\\.[^.]+\\.grpc\\.[^.]+\\.(${PART}\\.)`, '.grpc.'),
  rule('envoy.grpc_bridge_service', `^cluster\\.[^.]+\\.grpc\\.(${PART}\\.)`, '.grpc.'),
  rule('envoy.tcp_prefix', `^tcp\\.(${PART}\\.)`, 'tcp.'),
  rule('envoy.udp_prefix', `^udp\\.(${PART}\\.)`, 'udp.'),
  rule('envoy.rbac_policy_name', `^http\\.[^.]+\\.rbac\\.[^.]+\\.policy\\.(${PART}\\.)`, '.policy.'),
  rule('envoy.rbac_policy_name', `\\.rbac\\.policy\\.(${PART}\\.)`, '.policy.'),
  rule('envoy.rbac_http_prefix', `^http\\.[^.]+\\.rbac\\.((?!policy\\.)${PART}\\.)`, '.rbac.'),
  rule('envoy.rbac_prefix', `^(${PART}\\.)rbac\\.`, '.rbac.'),
  rule('envoy.ratelimit_prefix', `^ratelimit\\.(${PART}\\.)`, 'ratelimit.'),
  rule('envoy.cluster_name', `^cluster\\.(${PART}\\.)`, 'cluster.'),
  rule('envoy.worker_id', '(?:^|\\.)worker_((\\d+)\\.)', 'worker_'),
  rule('envoy.http_conn_manager_prefix', `^listener\\..*?\\.http\\.(${PART}\\.)`, '.http.'),
  rule('envoy.rds_route_config', '^http\\.[^.]+\\.rds\\.((.+)\\.)\\w+$', '.rds.'),
  rule('envoy.http_conn_manager_prefix', `^http\\.(${PART}\\.)`, 'http.'),
  rule(
    'envoy.listener_address',
    '^listener\\.(((?:\\d{1,3}\\.){3}\\d{1,3}_\\d+|\\[[_a-fA-F\\d]*\\]_\\d+|(?!admin\\.)[^.]+)\\.)',
    'listener.',
  ),
  rule('envoy.virtual_host', `^vhost\\.(${PART}\\.)`, 'vhost.'),
  rule('envoy.route', `^vhost\\.route\\.(${PART}\\.)`, '.route.'),
  rule('envoy.local_http_ratelimit_prefix', `^(${PART}\\.)http_local_rate_limit\\.`, '.http_local_rate_limit.'),
  rule('envoy.local_network_ratelimit_prefix', `^local_rate_limit\\.(${PART}\\.)`, 'local_rate_limit.'),
  rule('envoy.local_listener_ratelimit_prefix', `^listener_local_ratelimit\\.(${PART}\\.)`, 'listener_local_'),
  rule('envoy.connection_limit_prefix', `^connection_limit\\.(${PART}\\.)`, 'connection_limit.'),
];

/** Takes the default tags out of a full name. */
export function extractTags(full: string): Tagged {
  let name = full;
  const tags: (readonly [string, string])[] = [];
  const seen = new Set<string>();
  for (const { tag, pattern, hint } of RULES) {
    if (seen.has(tag) || !name.includes(hint)) continue;
    const match = pattern.exec(name);
    const [whole = '', removed = '', value = ''] = match ?? [];
    if (!match) continue;
    const at = match.index + whole.lastIndexOf(removed);
    // `worker_0.` leaves `worker.`: the underscore goes with the number.
    const from = tag === 'envoy.worker_id' ? at - 1 : at;
    const kept = tag === 'envoy.worker_id' ? '.' : '';
    name = name.slice(0, from) + kept + name.slice(at + removed.length);
    tags.push([tag, value]);
    seen.add(tag);
  }
  return { name, tags };
}
