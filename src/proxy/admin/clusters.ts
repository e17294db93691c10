import { compileRe2 } from '../../base/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { HEALTH, type Host } from '../cluster/host.ts';
import { COUNTS, type HostCounts, hostKey } from '../cluster/host-counts.ts';
import type { HostMonitor } from '../cluster/outlier.ts';
import type { JsonObject, JsonValue } from '../config/fields.ts';
import { addressJson } from './addresses.ts';
import { type AdminSubject, type Endpoint, json, type Page, text } from './page.ts';

export const clusters: Endpoint = {
  path: '/clusters',
  help: 'upstream cluster status',
  parameters: [['filter', 'Regular expression (Google re2) for filtering clusters by name']],
  answer: answerClusters,
};

type CountsOf = (host: Host) => HostCounts;

async function answerClusters(query: URLSearchParams, { workers, records }: AdminSubject): Promise<Page> {
  const pattern = query.get('filter') ?? '';
  const regex = pattern === '' ? undefined : compileRe2(pattern);
  if (regex && !regex.ok) return text('Invalid re2 regex', 400);
  const counts = await workers.hostCounts();
  const dynamic = new Set(records.of('cluster').flatMap(({ name, fixed }) => (fixed ? [] : [name])));
  const chosen = workers.first.clusters
    .all()
    .filter(({ config }) => !regex?.ok || regex.value.matcher(config.name).find())
    .sort((left, right) => (left.config.name < right.config.name ? -1 : 1));
  const parts = chosen.map((cluster) => {
    const none = COUNTS.map(() => 0);
    const countsOf: CountsOf = (host) => counts.get(hostKey(cluster.config.name, host.name)) ?? none;
    const added = dynamic.has(cluster.config.name);
    return query.get('format') === 'json'
      ? clusterJson(cluster, added, countsOf)
      : clusterText(cluster, added, countsOf);
  });
  if (query.get('format') === 'json') return json(parts.length === 0 ? {} : { cluster_statuses: parts });
  return text(parts.join(''));
}

function clusterText(cluster: Cluster, added: boolean, countsOf: CountsOf): string {
  const { config, resources, outlier, hosts } = cluster;
  const lines: string[] = [`observability_name::${config.observabilityName}`];
  if (outlier) {
    for (const [label, { average, threshold }] of [
      ['', outlier.external],
      ['local_origin_', outlier.local],
    ] as const) {
      lines.push(`outlier::${label}success_rate_average::${average}`);
      lines.push(`outlier::${label}success_rate_ejection_threshold::${threshold}`);
    }
  }
  for (const priority of ['DEFAULT', 'HIGH'] as const) {
    const { limits } = resources[priority];
    const label = `${priority.toLowerCase()}_priority`;
    lines.push(
      `${label}::max_connections::${limits.connections}`,
      `${label}::max_pending_requests::${limits.pending}`,
      `${label}::max_requests::${limits.requests}`,
      `${label}::max_retries::${limits.retries}`,
    );
  }
  lines.push(`added_via_api::${added}`);
  if (config.kind === 'EDS' && config.serviceName !== config.name)
    lines.push(`eds_service_name::${config.serviceName}`);
  for (const host of hosts) lines.push(...hostLines(host, countsOf(host), outlier?.monitor(host)));
  return lines.map((line) => `${config.name}::${line}\n`).join('');
}

function hostLines(host: Host, counts: HostCounts, monitor: HostMonitor | undefined): readonly string[] {
  const named = COUNTS.map((name, at): readonly [string, number] => [name, counts[at] ?? 0]);
  const sorted = named.sort(([left], [right]) => (left < right ? -1 : 1));
  const { locality } = host;
  const values: readonly (readonly [string, unknown])[] = [
    ...sorted,
    ['hostname', host.hostname],
    ['health_flags', healthFlags(host)],
    ['weight', host.weight],
    ['region', locality.region],
    ['zone', locality.zone],
    ['sub_zone', locality.subZone],
    ['canary', isCanary(host)],
    ['priority', host.priority],
    ['success_rate', monitor?.external.shown ?? -1],
    ['local_origin_success_rate', monitor?.local.shown ?? -1],
  ];
  return values.map(([name, value]) => `${host.name}::${name}::${String(value)}`);
}

function healthFlags(host: Host): string {
  const set = Object.entries(HEALTH).filter(([, bit]) => (host.flags & bit) !== 0);
  return set.length === 0 ? 'healthy' : set.map(([name]) => `/${name.toLowerCase()}`).join('');
}

function isCanary({ metadata }: Host): boolean {
  const lb = metadata?.['envoy.lb'];
  return typeof lb === 'object' && lb !== null && (lb as JsonObject)['canary'] === true;
}

function clusterJson(cluster: Cluster, added: boolean, countsOf: CountsOf): JsonObject {
  const { config, resources, hosts, outlier } = cluster;
  const threshold = (priority: 'DEFAULT' | 'HIGH'): JsonObject => {
    const { connections, pending, requests, retries } = resources[priority].limits;
    const limits = { max_connections: connections, max_pending_requests: pending, max_requests: requests };
    return { ...(priority === 'HIGH' ? { priority } : {}), ...limits, max_retries: retries };
  };
  return {
    name: config.name,
    ...(added ? { added_via_api: true } : {}),
    ...(hosts.length > 0
      ? { host_statuses: hosts.map((host) => hostJson(host, countsOf(host), outlier?.monitor(host))) }
      : {}),
    ...percent('success_rate_ejection_threshold', outlier?.external.threshold),
    ...percent('local_origin_success_rate_ejection_threshold', outlier?.local.threshold),
    circuit_breakers: { thresholds: [threshold('DEFAULT'), threshold('HIGH')] },
    observability_name: config.observabilityName,
    ...(config.kind === 'EDS' && config.serviceName !== config.name ? { eds_service_name: config.serviceName } : {}),
  };
}

/** Protobuf JSON leaves out what is 0 or false. */
function hostJson(host: Host, counts: HostCounts, monitor: HostMonitor | undefined): JsonObject {
  const stats = COUNTS.map((name, at): JsonObject => {
    const value = counts[at] ?? 0;
    return {
      ...(at >= COUNTS.indexOf('cx_active') ? { type: 'GAUGE' } : {}),
      ...(value === 0 ? {} : { value: String(value) }),
      name,
    };
  });
  const { region, zone, subZone } = host.locality;
  const locality: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries({ region, zone, sub_zone: subZone }))
    if (value !== '') locality[key] = value;
  return {
    address: addressJson(host.address),
    stats,
    health_status: healthJson(host),
    weight: host.weight,
    ...(host.hostname === '' ? {} : { hostname: host.hostname }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    locality,
    ...percent('success_rate', monitor?.external.shown),
    ...percent('local_origin_success_rate', monitor?.local.shown),
  };
}

/** A rate that outlier detection has; below 0 there were too few requests for one. */
function percent(name: string, value = -1): JsonObject {
  return value < 0 ? {} : { [name]: value === 0 ? {} : { value } };
}

function healthJson({ flags }: Host): JsonObject {
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const eds = has(HEALTH.FAILED_EDS_HEALTH)
    ? 'UNHEALTHY'
    : has(HEALTH.EDS_STATUS_DRAINING)
      ? 'DRAINING'
      : has(HEALTH.DEGRADED_EDS_HEALTH)
        ? 'DEGRADED'
        : 'HEALTHY';
  return {
    ...(has(HEALTH.FAILED_ACTIVE_HC) ? { failed_active_health_check: true } : {}),
    ...(has(HEALTH.FAILED_OUTLIER_CHECK) ? { failed_outlier_check: true } : {}),
    ...(has(HEALTH.DEGRADED_ACTIVE_HC) ? { failed_active_degraded_check: true } : {}),
    ...(has(HEALTH.PENDING_DYNAMIC_REMOVAL) ? { pending_dynamic_removal: true } : {}),
    ...(has(HEALTH.PENDING_ACTIVE_HC) ? { pending_active_hc: true } : {}),
    ...(has(HEALTH.EXCLUDED_VIA_IMMEDIATE_HC_FAIL) ? { excluded_via_immediate_hc_fail: true } : {}),
    ...(has(HEALTH.ACTIVE_HC_TIMEOUT) ? { active_hc_timeout: true } : {}),
    eds_health_status: eds,
  };
}
