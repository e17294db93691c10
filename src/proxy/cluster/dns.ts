import { lookup } from 'node:dns/promises';
import type { Logger } from '../../base/index.ts';
import { Deadline } from '../time/deadline.ts';
import type { Cluster } from './cluster.ts';
import type { EndpointConfig } from './host.ts';

/** Keeps a STRICT_DNS cluster's hosts at what its names resolve to. A failed look-up leaves the last answer in force. */
export class DnsResolver {
  readonly #cluster: Cluster;
  readonly #log: Logger;
  readonly #known = new Map<number, readonly string[]>();
  readonly #refresh = new Deadline(() => void this.#resolve());
  #stopped = false;

  constructor(cluster: Cluster, log: Logger) {
    this.#cluster = cluster;
    this.#log = log;
    void this.#resolve();
  }

  stop(): void {
    this.#stopped = true;
    this.#refresh.stop();
  }

  async #resolve(): Promise<void> {
    const { assignment, dnsRefresh } = this.#cluster.config;
    const { endpoints } = assignment;
    await Promise.all(endpoints.map((endpoint, index) => this.#resolveOne(endpoint, index)));
    if (this.#stopped) return;
    const resolved = endpoints.flatMap((endpoint, index) =>
      endpoint.address.kind !== 'socket'
        ? [endpoint]
        : (this.#known.get(index) ?? []).map((host): EndpointConfig => {
            const { port, host: name } = endpoint.address as { port: number; host: string };
            return { ...endpoint, hostname: endpoint.hostname || name, address: { kind: 'socket', host, port } };
          }),
    );
    this.#cluster.setAssignment({ ...assignment, endpoints: resolved });
    this.#refresh.start(dnsRefresh);
  }

  async #resolveOne({ address }: EndpointConfig, index: number): Promise<void> {
    if (address.kind !== 'socket') return;
    const family = this.#cluster.config.dnsFamily;
    try {
      const answers = await lookup(address.host, { all: true, family });
      this.#known.set(
        index,
        answers.map((answer) => answer.address),
      );
    } catch (error) {
      this.#log.debug(
        { cluster: this.#cluster.config.name, name: address.host, error: String(error) },
        'DNS look-up failed',
      );
    }
  }
}
