import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { dropReasonText } from '../hubble/index.ts';
import type { PacketEvent } from '../model/flow/index.ts';
import type { NodePlan } from '../plan/index.ts';
import type { MetricsText } from './metrics-server.ts';

/** What the agent knows of itself when it is asked. */
export interface AgentState {
  readonly version: string;
  readonly plan: () => NodePlan | undefined;
  readonly policyRevision: () => number;
}

export interface AgentMetrics {
  /** Counts drops. */
  packet(event: PacketEvent): void;
  text(): Promise<MetricsText>;
}

const prefix = 'cilium_';

/** The agent's own metrics, under the names that Cilium's agent has for them. */
export function createAgentMetrics({ version, plan, policyRevision }: AgentState): AgentMetrics {
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
  const drops = new Counter({
    name: `${prefix}drop_count_total`,
    help: 'Total dropped packets, by reason and direction',
    labelNames: ['reason', 'direction'],
    registers,
  });
  return {
    packet({ kind, dropReason = 0, direction }) {
      if (kind === 'drop')
        drops.inc({ reason: dropReasonText(dropReason), direction: (direction ?? 'unknown').toUpperCase() });
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
