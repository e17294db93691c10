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

  enter(life: StateName): void {
    this.#life = life;
  }
}
