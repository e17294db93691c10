/** How drains go: over how long, and whether connections close little by little. */
export interface DrainSettings {
  readonly timeMs: number;
  readonly strategy: 'gradual' | 'immediate';
}

export const DEFAULT_DRAIN: DrainSettings = { timeMs: 600_000, strategy: 'gradual' };

/** What drains the whole process; each filter chain asks it through its own `Drain`. */
export class ProcessDrain {
  readonly settings: DrainSettings;
  /** An operator failed the health check: what drains by default closes connections with their next response. */
  healthFailed = false;
  /** Monotonic milliseconds; 0 when not draining. */
  allSince = 0;
  inboundSince = 0;

  constructor(settings: DrainSettings) {
    this.settings = settings;
  }

  start(inboundOnly: boolean): void {
    const now = performance.now();
    if (inboundOnly) this.inboundSince ||= now;
    else this.allSince ||= now;
  }
}

/** Decides for the connections of one filter chain whether a response is to be their last. */
export class Drain {
  readonly #process: ProcessDrain;
  readonly #followsHealth: boolean;
  readonly #inbound: boolean;
  #since = 0;

  /** `followsHealth`: `drain_type` is DEFAULT; `inbound`: the listener's `traffic_direction` is. */
  constructor(process: ProcessDrain, { followsHealth, inbound }: { followsHealth: boolean; inbound: boolean }) {
    this.#process = process;
    this.#followsHealth = followsHealth;
    this.#inbound = inbound;
  }

  /** The chain goes: its listener was removed, or changed without it. */
  start(): void {
    this.#since ||= performance.now();
  }

  get healthFailed(): boolean {
    return this.#process.healthFailed;
  }

  get timeMs(): number {
    return this.#process.settings.timeMs;
  }

  /** Whether to close now; as the drain goes on, ever more likely. */
  closes(random: () => number = Math.random): boolean {
    const { healthFailed, allSince, inboundSince, settings } = this.#process;
    if (healthFailed && this.#followsHealth) return true;
    const since = this.#since || allSince || (this.#inbound ? inboundSince : 0);
    if (since === 0) return false;
    return settings.strategy === 'immediate' || random() * settings.timeMs < performance.now() - since;
  }
}
