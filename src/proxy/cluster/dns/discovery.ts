import type { Logger } from '../../../base/index.ts';
import { Deadline } from '../../time/deadline.ts';
import type { Cluster } from '../cluster.ts';
import type { DnsConfig } from '../config/dns.ts';
import type { EndpointConfig } from '../host.ts';
import type { DnsAnswer, Resolve } from './resolver.ts';

/** What a DNS look-up needs besides the cluster; `random` gives a number in [0, 1). */
export interface DnsEnvironment {
  readonly resolve: Resolve;
  readonly random: () => number;
  readonly log: Logger;
}

/** One name of the cluster and what it resolved to last. */
interface Target {
  readonly endpoint: EndpointConfig;
  readonly index: number;
  readonly name: string;
  readonly port: number;
  addresses: readonly string[];
  readonly refresh: Deadline;
}

/**
 * Keeps the hosts of a cluster at what its names resolve to, each name by itself. STRICT_DNS has a host for each address, LOGICAL_DNS one
 * host that new connections reach at any of them. A look-up without answer leaves the last one in force.
 */
export class DnsDiscovery {
  readonly #cluster: Cluster;
  readonly #config: DnsConfig;
  readonly #environment: DnsEnvironment;
  readonly #logical: boolean;
  readonly #targets: readonly Target[];
  #failureWait: number;
  #stopped = false;

  constructor(cluster: Cluster, environment: DnsEnvironment) {
    this.#cluster = cluster;
    this.#config = cluster.config.dns;
    this.#environment = environment;
    this.#logical = cluster.config.kind === 'LOGICAL_DNS';
    this.#failureWait = this.#config.failureRefresh?.base ?? 0;
    this.#targets = cluster.config.assignment.endpoints.map((endpoint, index) => {
      const { host, port } = endpoint.address as { host: string; port: number };
      const refresh = new Deadline(() => void this.#look(target));
      const target: Target = { endpoint, index, name: host, port, addresses: [], refresh };
      return target;
    });
    for (const target of this.#targets) void this.#look(target);
    if (this.#targets.length === 0) cluster.markWarm();
  }

  stop(): void {
    this.#stopped = true;
    for (const { refresh } of this.#targets) refresh.stop();
  }

  async #look(target: Target): Promise<void> {
    const { stats, config } = this.#cluster;
    stats.updateAttempt++;
    const answer = await this.#environment.resolve(target.name, this.#config.family).catch((error: unknown) => {
      const details = { cluster: config.name, name: target.name, error: String(error) };
      this.#environment.log.debug(details, 'DNS look-up failed');
      return undefined;
    });
    if (this.#stopped) return;
    target.refresh.start(this.#take(target, answer));
    this.#cluster.markWarm();
  }

  /** Gives the milliseconds until the next look-up. */
  #take(target: Target, answer: DnsAnswer | undefined): number {
    const { stats } = this.#cluster;
    const { refresh, respectTtl, jitter, failureRefresh } = this.#config;
    const { random } = this.#environment;
    if (!answer || (this.#logical && answer.addresses.length === 0)) {
      stats.updateFailure++;
      return failureRefresh ? this.#backOff(failureRefresh.max) : refresh;
    }
    stats.updateSuccess++;
    target.addresses = [...new Set(answer.addresses)];
    if (this.#logical) this.#move(target);
    else this.#update();
    this.#failureWait = failureRefresh?.base ?? 0;
    const known = respectTtl && answer.ttl > 0 && answer.addresses.length > 0;
    return (known ? answer.ttl : refresh) + Math.floor(random() * jitter);
  }

  #backOff(max: number): number {
    const wait = Math.floor(this.#environment.random() * this.#failureWait);
    this.#failureWait = Math.min(this.#failureWait * 2, max);
    return Math.max(wait, 1);
  }

  #update(): void {
    const endpoints = this.#targets.flatMap((target) => target.addresses.map((host) => at(target, host)));
    this.#cluster.setAssignment({ ...this.#cluster.config.assignment, endpoints });
  }

  #move(target: Target): void {
    const { hosts, config } = this.#cluster;
    const [first, ...others] = target.addresses.map((host) => at(target, host));
    if (!first) return;
    const endpoint = { ...first, others: others.map(({ address }) => address), priority: 0 };
    if (hosts[0]) hosts[0].moveTo(endpoint.address, endpoint.others);
    else this.#cluster.setAssignment({ ...config.assignment, endpoints: [endpoint], priorities: 1 });
  }
}

function at({ endpoint, index, name, port }: Target, host: string): EndpointConfig {
  const identity = `${index} ${host}`;
  return { ...endpoint, identity, hostname: endpoint.hostname || name, address: { kind: 'socket', host, port } };
}
