import { cidrContains, parseCidrOrIp } from '../../base/index.ts';
import type { JsonObject, NodePlan, PolicyEntry } from '../index.ts';

/** A second reading of a plan: judges one packet and one request as the datapath and the data plane are told to. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  readonly port: number;
}

export type Verdict =
  | { readonly kind: 'allow' | 'deny' | 'default-deny' }
  | { readonly kind: 'redirect'; readonly listener: string };

function identityOf(plan: NodePlan, address: string): number {
  const one = parseCidrOrIp(address);
  const entry = plan.datapath.ipcache.find(({ cidr }) => {
    const range = parseCidrOrIp(cidr);
    return one && range && cidrContains(range, one);
  });
  return entry?.identity ?? 2;
}

/** The verdict on a packet in one direction: that of its sender or receiver, whichever the direction means. */
export function policyVerdict(plan: NodePlan, packet: Packet, direction: 'ingress' | 'egress'): Verdict {
  const [own, other] =
    direction === 'egress' ? [packet.source, packet.destination] : [packet.destination, packet.source];
  const endpoint = plan.datapath.endpoints.find(({ address }) => address === own);
  if (!endpoint) return { kind: 'allow' };
  const peer = identityOf(plan, other);
  const entries = plan.datapath.policy.filter((entry) => {
    return entry.endpoint === own && entry.direction === direction && entryMatches(entry, peer, packet);
  });
  if (entries.some(({ action }) => action === 'deny')) return { kind: 'deny' };
  const redirect = entries.find(({ action }) => action === 'redirect');
  if (redirect) return { kind: 'redirect', listener: listenerAt(plan, redirect.proxyPort ?? 0) };
  if (entries.length > 0) return { kind: 'allow' };
  const enforced = direction === 'egress' ? endpoint.enforceEgress : endpoint.enforceIngress;
  return { kind: enforced ? 'default-deny' : 'allow' };
}

function entryMatches(entry: PolicyEntry, peer: number, { protocol, port }: Packet): boolean {
  if (entry.peer !== 0 && entry.peer !== peer) return false;
  if (entry.protocol !== 'any' && entry.protocol !== protocol) return false;
  if (protocol === 'icmp') return entry.protocol === 'any' || entry.port === port;
  return entry.port === 0 || (entry.port <= port && port <= (entry.portEnd ?? entry.port));
}

function listenerAt(plan: NodePlan, port: number): string {
  return [...plan.proxyPorts].find(([, number]) => number === port)?.[0] ?? '';
}

export interface Request {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly authority?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the upstream RBAC filters say, in order: the policy that denied or, when all let it pass, those that allowed. */
export function requestVerdict(
  plan: NodePlan,
  request: Request,
): { readonly allowed: boolean; readonly by: readonly string[] } {
  const by: string[] = [];
  for (const name of ['ciliate/egress-deny', 'ciliate/egress', 'ciliate/ingress-deny', 'ciliate/ingress']) {
    const config = plan.xds.extensionConfigs.get(name);
    const rules = record(record(config?.['typed_config'])['rules']);
    const policy = Object.entries(record(rules['policies'])).find(([, value]) => policyMatches(record(value), request));
    const denies = rules['action'] === 'DENY';
    if (denies ? policy !== undefined : policy === undefined) return { allowed: false, by: policy ? [policy[0]] : [] };
    if (policy) by.push(policy[0]);
  }
  return { allowed: true, by };
}

function policyMatches(policy: JsonObject, request: Request): boolean {
  return (
    list(policy['principals']).some((principal) => principalMatches(principal, request)) &&
    list(policy['permissions']).some((permission) => permissionMatches(permission, request))
  );
}

function principalMatches(principal: JsonObject, request: Request): boolean {
  if (principal['any'] === true) return true;
  if (principal['direct_remote_ip']) return inRange(record(principal['direct_remote_ip']), request.client);
  if (principal['not_id']) return !principalMatches(record(principal['not_id']), request);
  if (principal['or_ids'])
    return list(record(principal['or_ids'])['ids']).some((one) => principalMatches(one, request));
  throw new Error(`unknown principal ${JSON.stringify(principal)}`);
}

function permissionMatches(permission: JsonObject, request: Request): boolean {
  if (permission['any'] === true) return true;
  if (permission['not_rule']) return !permissionMatches(record(permission['not_rule']), request);
  if (permission['or_rules'])
    return list(record(permission['or_rules'])['rules']).some((one) => permissionMatches(one, request));
  if (permission['and_rules'])
    return list(record(permission['and_rules'])['rules']).every((one) => permissionMatches(one, request));
  if (permission['header']) return headerMatches(record(permission['header']), request);
  if (permission['matcher']) return upstreamMatches(record(record(permission['matcher'])['typed_config']), request);
  throw new Error(`unknown permission ${JSON.stringify(permission)}`);
}

function upstreamMatches(matcher: JsonObject, { backend, port }: Request): boolean {
  const range = record(matcher['upstream_port_range']);
  const inPorts = !matcher['upstream_port_range'] || (Number(range['start']) <= port && port <= Number(range['end']));
  return inPorts && (!matcher['upstream_ip'] || inRange(record(matcher['upstream_ip']), backend));
}

function headerMatches(matcher: JsonObject, request: Request): boolean {
  const values: Record<string, string | undefined> = {
    ...request.headers,
    ':path': request.path,
    ':method': request.method ?? 'GET',
    ':authority': request.authority ?? 'echo-same-node:8080',
  };
  const value = values[String(matcher['name']).toLowerCase()];
  if (matcher['present_match'] === true) return value !== undefined;
  const text = record(matcher['string_match']);
  if (typeof text['exact'] === 'string') return value === text['exact'];
  return value !== undefined && new RegExp(`^(?:${String(record(text['safe_regex'])['regex'])})$`).test(value);
}

function inRange(range: JsonObject, address: string): boolean {
  const cidr = parseCidrOrIp(`${String(range['address_prefix'])}/${String(range['prefix_len'])}`);
  const one = parseCidrOrIp(address);
  return cidr !== undefined && one !== undefined && cidrContains(cidr, one);
}

export interface RoutedCluster {
  readonly weight: number;
  readonly backends: readonly { readonly address: string; readonly port: number }[];
}

/** Where a listener with one route for everything sends a request: the rewritten path and the weighted clusters. */
export function routed(
  plan: NodePlan,
  listener: string,
  path: string,
): { readonly path: string; readonly clusters: readonly RoutedCluster[] } {
  const chain = list(plan.xds.listeners.get(listener)?.['filter_chains'])[0] ?? {};
  const manager = record(list(chain['filters'])[0]?.['typed_config']);
  const name = String(record(manager['rds'])['route_config_name']);
  const host = list(plan.xds.routes.get(name)?.['virtual_hosts'])[0] ?? {};
  const action = record(list(host['routes'])[0]?.['route']);
  const rewrite = record(action['regex_rewrite']);
  const regex = record(rewrite['pattern'])['regex'];
  const rewritten =
    typeof regex === 'string' ? path.replace(new RegExp(regex, 'g'), String(rewrite['substitution'])) : path;
  const clusters = list(record(action['weighted_clusters'])['clusters']).map((cluster) => ({
    weight: Number(cluster['weight']),
    backends: backendsOf(plan, String(cluster['name'])),
  }));
  return { path: rewritten, clusters };
}

function backendsOf(plan: NodePlan, cluster: string): RoutedCluster['backends'] {
  const service = record(plan.xds.clusters.get(cluster)?.['eds_cluster_config'])['service_name'];
  const assignment = plan.xds.endpoints.get(typeof service === 'string' && service !== '' ? service : cluster);
  return list(assignment?.['endpoints']).flatMap((locality) =>
    list(locality['lb_endpoints']).map((host) => {
      const socket = record(record(record(host['endpoint'])['address'])['socket_address']);
      return { address: String(socket['address']), port: Number(socket['port_value']) };
    }),
  );
}

function record(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function list(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(record) : [];
}
