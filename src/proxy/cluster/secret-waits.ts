import { Warming } from '../listener/warming.ts';
import type { Cluster } from './cluster.ts';

/** Clusters whose secrets have not been answered for; each is told when it waits no longer. */
export class SecretWaits {
  readonly #waiting = new Map<Cluster, Warming>();
  readonly #answered: (name: string) => boolean;

  /** `answered`: the first answer about a secret has come, whatever it was. */
  constructor(answered: (name: string) => boolean) {
    this.#answered = answered;
  }

  begin(cluster: Cluster): void {
    const wants = [...cluster.config.sockets.waits].map(([name, timeoutMs]) => ({
      kind: 'secret' as const,
      name,
      timeoutMs,
    }));
    const warming = new Warming(wants, {
      answered: ({ name }) => this.#answered(name),
      timedOut: () => this.check(),
    });
    this.#waiting.set(cluster, warming);
    warming.begin();
    this.check();
  }

  /** Something was answered, or is not waited for any longer. */
  check(): void {
    for (const [cluster, warming] of this.#waiting) {
      if (!warming.check()) continue;
      this.#waiting.delete(cluster);
      cluster.markReady('secrets');
    }
  }

  end(cluster: Cluster): void {
    this.#waiting.get(cluster)?.stop();
    this.#waiting.delete(cluster);
  }
}
