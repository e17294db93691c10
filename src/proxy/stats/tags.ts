/** A name without the parts that vary, and those parts as label and value, in the order of extraction. */
export interface Tagged {
  readonly name: string;
  readonly tags: readonly (readonly [string, string])[];
}

/** Takes one tag out of a full name: its value and the part of the name that goes with it; undefined when the name has none. */
export interface TagRule {
  readonly tag: string;
  readonly find: (name: string) => { readonly value: string; readonly from: number; readonly to: number } | undefined;
}

/** A part between two dots in a place that varies. */
const PART = '([^.]+)';

/** Group 1 goes out of the name, group 2 is the value. Names without `hint` need not be tried. */
function rule(tag: string, pattern: string, hint: string): TagRule {
  const regex = new RegExp(pattern, 'd');
  const find = (name: string): ReturnType<TagRule['find']> => {
    if (!name.includes(hint)) return undefined;
    const match = regex.exec(name);
    const [from, to] = match?.indices?.[1] ?? [0, 0];
    return match ? { value: match[2] ?? '', from, to } : undefined;
  };
  return { tag: `envoy.${tag}`, find };
}

/** Envoy's default tags of names that begin with anything. Which place of a name is a tag was read off Envoy 1.40's Prometheus output. */
const ANYWHERE: readonly TagRule[] = [
  rule('response_code', '_rq(_(\\d{3}))$', '_rq_'),
  rule('response_code_class', '_rq_((\\d))xx$', '_rq_'),
  rule('rbac_policy_name', `^http\\.[^.]+\\.rbac\\.[^.]+\\.policy\\.(${PART}\\.)`, '.policy.'),
  rule('rbac_policy_name', `\\.rbac\\.policy\\.(${PART}\\.)`, '.policy.'),
  rule('rbac_prefix', `^(${PART}\\.)rbac\\.`, '.rbac.'),
  // `worker_0.` leaves `worker.`: the underscore goes with the number.
  rule('worker_id', '(?:^|\\.)worker(_(\\d+))\\.', 'worker_'),
  rule('local_http_ratelimit_prefix', `^(${PART}\\.)http_local_rate_limit\\.`, '.http_local_rate_limit.'),
];

/** Those of names with a certain beginning, which come after all others; the names of listeners may hold dots where they are addresses. */
const BY_BEGINNING: readonly TagRule[] = [
  rule('http_user_agent', `^http\\.[^.]+\\.user_agent\\.(${PART}\\.)`, '.user_agent.'),
  rule('virtual_cluster', `^vhost\\.[^.]+\\.vcluster\\.(${PART}\\.)`, '.vcluster.'),
  rule('fault_downstream_cluster', `^http\\.[^.]+\\.fault\\.(${PART}\\.)`, '.fault.'),
  rule('grpc_bridge_method', `^cluster\\.[^.]+\\.grpc\\.[^.]+\\.(${PART}\\.)`, '.grpc.'),
  rule('grpc_bridge_service', `^cluster\\.[^.]+\\.grpc\\.(${PART}\\.)`, '.grpc.'),
  rule('tcp_prefix', `^tcp\\.(${PART}\\.)`, 'tcp.'),
  rule('udp_prefix', `^udp\\.(${PART}\\.)`, 'udp.'),
  rule('rbac_http_prefix', `^http\\.[^.]+\\.rbac\\.((?!policy\\.)${PART}\\.)`, '.rbac.'),
  rule('ratelimit_prefix', `^ratelimit\\.(${PART}\\.)`, 'ratelimit.'),
  rule('cluster_name', `^cluster\\.(${PART}\\.)`, 'cluster.'),
  rule('http_conn_manager_prefix', `^listener\\..*?\\.http\\.(${PART}\\.)`, '.http.'),
  rule('rds_route_config', '^http\\.[^.]+\\.rds\\.((.+)\\.)\\w+$', '.rds.'),
  rule('http_conn_manager_prefix', `^http\\.(${PART}\\.)`, 'http.'),
  rule(
    'listener_address',
    '^listener\\.(((?:\\d{1,3}\\.){3}\\d{1,3}_\\d+|\\[[_a-fA-F\\d]*\\]_\\d+|(?!admin\\.)[^.]+)\\.)',
    'listener.',
  ),
  rule('virtual_host', `^vhost\\.(${PART}\\.)`, 'vhost.'),
  rule('route', `^vhost\\.[^.]+\\.route\\.(${PART}\\.)`, '.route.'),
  rule('local_network_ratelimit_prefix', `^local_rate_limit\\.(${PART}\\.)`, 'local_rate_limit.'),
  rule('local_listener_ratelimit_prefix', `^listener_local_ratelimit\\.(${PART}\\.)`, 'listener_local_'),
  rule('connection_limit_prefix', `^connection_limit\\.(${PART}\\.)`, 'connection_limit.'),
];

/** Extracts Envoy's default tags and, between those that may stand anywhere and those of a beginning, `own` ones. */
export function tagExtractor(own: readonly TagRule[] = [], defaults = true): (name: string) => Tagged {
  const rules = defaults ? [...ANYWHERE, ...own, ...BY_BEGINNING] : own;
  return (full) => {
    const tags = new Map<string, string>();
    const removed = new Uint8Array(full.length);
    for (const { tag, find } of rules) {
      if (tags.has(tag)) continue;
      const found = find(full);
      if (!found) continue;
      removed.fill(1, found.from, found.to);
      tags.set(tag, found.value);
    }
    const name = tags.size === 0 ? full : [...full].filter((_, at) => removed[at] === 0).join('');
    return { name, tags: [...tags] };
  };
}

/** Takes the default tags out of a full name. */
export const extractTags = tagExtractor();
