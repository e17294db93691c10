export type StateName = 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' | 'DRAINING';

/** What `/ready`, `/server_info` and `server.state` say. */
export class ServerState {
  readonly #startedAt = performance.now();
  #life: StateName = 'PRE_INITIALIZING';
  /** An operator took the proxy out of rotation (`/healthcheck/fail`). */
  healthFailed = false;

  get name(): StateName {
    return this.healthFailed && this.#life === 'LIVE' ? 'DRAINING' : this.#life;
  }

  get uptimeSeconds(): number {
    return Math.floor((performance.now() - this.#startedAt) / 1000);
  }

  /** Milliseconds from the start until the proxy was live; undefined before. */
  initializationMs: number | undefined = undefined;
  readonly #whenLive: (() => void)[] = [];

  /** What drains never comes back to life. */
  enter(life: StateName): void {
    if (this.#life === 'DRAINING') return;
    this.#life = life;
    if (life !== 'LIVE') return;
    this.initializationMs = performance.now() - this.#startedAt;
    for (const done of this.#whenLive.splice(0)) done();
  }

  live(): Promise<void> {
    if (this.#life === 'LIVE') return Promise.resolve();
    return new Promise((resolve) => this.#whenLive.push(resolve));
  }
}
