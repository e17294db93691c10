import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { LearntRecord } from '../dns/index.ts';
import { dropReasonText } from '../hubble/index.ts';
import type { NodePlan } from '../plan/index.ts';
import type { FlowEvent } from './flows.ts';
import type { MetricsText } from './metrics-server.ts';

/** What the agent knows of itself when it is asked. */
export interface AgentState {
  readonly version: string;
  readonly plan: () => NodePlan | undefined;
  readonly policyRevision: () => number;
  /** What endpoints have learnt of names, and their numbers by address. */
  readonly learnt: () => readonly LearntRecord[];
  readonly endpointId: (address: string) => number;
}

export interface AgentMetrics {
  /** Counts drops, and what the proxies have handled. */
  event(event: FlowEvent): void;
  /** A round has ended: all endpoints of the node have what it planned, or it failed. */
  regenerated(status: 'success' | 'failure', seconds: number): void;
  text(): Promise<MetricsText>;
}

const prefix = 'cilium_';

/** The agent's own metrics, under the names that Cilium's agent has for them. */
export function createAgentMetrics(state: AgentState): AgentMetrics {
  const { version, plan, policyRevision } = state;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix });
  const gauge = (name: string, help: string, read: (gauge: Gauge) => void, labelNames: readonly string[] = []) => {
    new Gauge({
      name: prefix + name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset();
        read(this);
      },
    });
  };
  gauge('version', 'Version of the agent', (one) => one.set({ version }, 1), ['version']);
  gauge('endpoint', 'Number of endpoints of this node', (one) => one.set(plan()?.datapath.endpoints.length ?? 0));
  gauge(
    'endpoint_state',
    'Number of endpoints by their state',
    (one) => one.set({ endpoint_state: 'ready' }, plan()?.datapath.endpoints.length ?? 0),
    ['endpoint_state'],
  );
  gauge(
    'identity',
    'Number of identities',
    (one) => {
      const numbers = [...(plan()?.identities.keys() ?? [])];
      one.set({ type: 'reserved' }, numbers.filter((number) => number < 256).length);
      one.set({ type: 'cluster_local' }, numbers.filter((number) => number >= 256 && number < 1 << 24).length);
      one.set({ type: 'node_local' }, numbers.filter((number) => number >= 1 << 24).length);
    },
    ['type'],
  );
  gauge('policy', 'Number of policy rules that are in force on this node', (one) => one.set(plan()?.rules.size ?? 0));
  gauge('policy_max_revision', 'Highest policy revision', (one) => one.set(policyRevision()));
  gauge(
    'proxy_redirects',
    'Number of redirects of endpoints by protocol',
    (one) => {
      const redirects = plan()?.datapath.policy.filter(({ action }) => action === 'redirect') ?? [];
      const dnsPort = plan()?.dns.proxyPort;
      const dns = redirects.filter(({ proxyPort }) => proxyPort === dnsPort).length;
      one.set({ protocol: 'dns' }, dns);
      one.set({ protocol: 'http' }, redirects.length - dns);
    },
    ['protocol'],
  );
  const fqdn = (name: string, help: string, count: (records: readonly LearntRecord[]) => number): void =>
    gauge(
      `fqdn_${name}`,
      help,
      (one) => {
        for (const [address, records] of Map.groupBy(state.learnt(), ({ endpoint }) => endpoint)) {
          one.set({ endpoint: String(state.endpointId(address)) }, count(records));
        }
      },
      ['endpoint'],
    );
  const isActive = ({ leftMs }: LearntRecord): boolean => leftMs > 0;
  fqdn('active_names', 'Number of names learnt whose TTL has not run out', (records) => {
    return new Set(records.filter(isActive).map(({ name }) => name)).size;
  });
  fqdn('active_ips', 'Number of addresses of names learnt whose TTL has not run out', (records) => {
    return new Set(records.filter(isActive).map(({ address }) => address)).size;
  });
  fqdn('alive_zombie_connections', 'Number of addresses that are kept for connections after their TTL', (records) => {
    return records.filter((record) => !isActive(record)).length;
  });
  const regenerations = new Histogram({
    name: `${prefix}endpoint_regeneration_time_stats_seconds`,
    help: 'Time from the start of a round until all endpoints of the node have what it planned',
    labelNames: ['scope', 'status'],
    registers,
  });
  const count = createEventCounters(registry);
  return {
    event: count,
    regenerated: (status, seconds) => regenerations.observe({ scope: 'total', status }, seconds),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

/** As `UpdateProxyStatistics` in Cilium's `pkg/endpoint`: requests and responses count alike, a refusal is one message. */
function createEventCounters(registry: Registry): (event: FlowEvent) => void {
  const registers = [registry];
  const drops = new Counter({
    name: `${prefix}drop_count_total`,
    help: 'Total dropped packets, by reason and direction',
    labelNames: ['reason', 'direction'],
    registers,
  });
  const handled = new Counter({
    name: `${prefix}policy_l7_total`,
    help: 'Number of requests and responses that a proxy has handled',
    labelNames: ['rule', 'proxy_type'],
    registers,
  });
  for (const proxy_type of ['envoy', 'fqdn']) {
    for (const rule of ['received', 'forwarded', 'denied']) handled.inc({ rule, proxy_type }, 0);
  }
  const handle = (proxy_type: 'envoy' | 'fqdn', denied: boolean, messages: number): void => {
    handled.inc({ rule: 'received', proxy_type }, messages);
    handled.inc({ rule: denied ? 'denied' : 'forwarded', proxy_type }, messages);
  };
  return (event) => {
    if (event.kind === 'dns') return handle('fqdn', event.denied, 1);
    if (event.kind === 'http') {
      const denied = event.verdicts.egress?.denied === true || event.verdicts.ingress?.denied === true;
      return handle('envoy', denied, denied ? 1 : 2);
    }
    if (event.kind === 'tls') return handle('envoy', true, 1);
    if (event.kind !== 'drop') return;
    const { dropReason = 0, direction = 'unknown' } = event;
    drops.inc({ reason: dropReasonText(dropReason), direction: direction.toUpperCase() });
  };
}
