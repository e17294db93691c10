import type { Fields } from '../config/fields.ts';
import { Deadline } from '../time/deadline.ts';
import { HEALTH, type Host } from './host.ts';
import type { OutlierStats } from './stats.ts';

/** `envoy.config.cluster.v3.OutlierDetection` with Envoy's defaults; times in milliseconds, shares in percent. */
export interface OutlierConfig {
  readonly consecutive5xx: number;
  readonly enforce5xx: number;
  readonly consecutiveGateway: number;
  readonly enforceGateway: number;
  readonly consecutiveLocal: number;
  readonly enforceLocal: number;
  readonly splitLocal: boolean;
  readonly interval: number;
  readonly baseEjection: number;
  readonly maxEjection: number;
  readonly maxPercent: number;
  readonly alwaysOne: boolean;
  readonly successRate: {
    readonly enforce: number;
    readonly hosts: number;
    readonly volume: number;
    readonly stdev: number;
  };
  readonly failure: {
    readonly enforce: number;
    readonly hosts: number;
    readonly volume: number;
    readonly threshold: number;
  };
}

export function readOutlierDetection(fields: Fields): OutlierConfig {
  const baseEjection = fields.duration('base_ejection_time') ?? 30_000;
  const number = (key: string, fallback: number): number => fields.number(key) ?? fallback;
  fields.ignore('successful_active_health_check_uneject_host', 'max_ejection_time_jitter');
  return {
    consecutive5xx: number('consecutive_5xx', 5),
    enforce5xx: number('enforcing_consecutive_5xx', 100),
    consecutiveGateway: number('consecutive_gateway_failure', 5),
    enforceGateway: number('enforcing_consecutive_gateway_failure', 0),
    consecutiveLocal: number('consecutive_local_origin_failure', 5),
    enforceLocal: number('enforcing_consecutive_local_origin_failure', 100),
    splitLocal: fields.flag('split_external_local_origin_errors'),
    interval: fields.duration('interval') ?? 10_000,
    baseEjection,
    maxEjection: fields.duration('max_ejection_time') ?? Math.max(300_000, baseEjection),
    maxPercent: number('max_ejection_percent', 10),
    alwaysOne: fields.flag('always_eject_one_host'),
    successRate: {
      enforce: number('enforcing_success_rate', 100),
      hosts: number('success_rate_minimum_hosts', 5),
      volume: number('success_rate_request_volume', 100),
      stdev: number('success_rate_stdev_factor', 1900),
    },
    failure: {
      enforce: number('enforcing_failure_percentage', 0),
      hosts: number('failure_percentage_minimum_hosts', 5),
      volume: number('failure_percentage_request_volume', 50),
      threshold: number('failure_percentage_threshold', 85),
    },
  };
}

/** Takes hosts that keep failing out of the rotation of one cluster, for a time that grows with each ejection. */
export class OutlierDetector {
  readonly config: OutlierConfig;
  readonly stats: OutlierStats;
  readonly #hosts: () => readonly Host[];
  readonly #changed: () => void;
  readonly #random: () => number;
  readonly #tick = new Deadline(() => this.#sweep());
  #running = false;

  /** `changed` is called when a host was ejected or came back. */
  constructor(
    config: OutlierConfig,
    stats: OutlierStats,
    hosts: () => readonly Host[],
    changed: () => void,
    random: () => number,
  ) {
    this.config = config;
    this.stats = stats;
    this.#hosts = hosts;
    this.#changed = changed;
    this.#random = random;
  }

  stop(): void {
    this.#running = false;
    this.#tick.stop();
  }

  onStatus(host: Host, status: number): void {
    const { outlier } = host;
    const { config } = this;
    this.#count(host, status < 500);
    if (status < 500) {
      outlier.consecutive5xx = 0;
      outlier.consecutiveGateway = 0;
      return;
    }
    if (status >= 502 && status <= 504) {
      if (++outlier.consecutiveGateway >= config.consecutiveGateway) {
        outlier.consecutiveGateway = 0;
        this.#eject(host, config.enforceGateway);
      }
    } else outlier.consecutiveGateway = 0;
    if (++outlier.consecutive5xx >= config.consecutive5xx) {
      outlier.consecutive5xx = 0;
      this.#eject(host, config.enforce5xx);
    }
  }

  /** A connection could not be made, was reset or did not answer in time. */
  onLocalFailure(host: Host, status: 503 | 504): void {
    if (!this.config.splitLocal) {
      this.onStatus(host, status);
      return;
    }
    if (++host.outlier.consecutiveLocal >= this.config.consecutiveLocal) {
      host.outlier.consecutiveLocal = 0;
      this.#eject(host, this.config.enforceLocal);
    }
  }

  onConnected(host: Host): void {
    host.outlier.consecutiveLocal = 0;
  }

  #count(host: Host, success: boolean): void {
    host.outlier.requests++;
    if (success) host.outlier.successes++;
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tick.start(this.config.interval);
  }

  #eject(host: Host, enforce: number): void {
    const hosts = this.#hosts();
    if (host.ejected || !hosts.includes(host) || this.#random() * 100 >= enforce) return;
    const active = hosts.filter((one) => one.ejected).length;
    const within = ((active + 1) * 100) / hosts.length <= this.config.maxPercent;
    if (!within && !(this.config.alwaysOne && active === 0)) {
      this.stats.overflow++;
      return;
    }
    host.outlier.ejections++;
    const lasts = Math.min(this.config.baseEjection * host.outlier.ejections, this.config.maxEjection);
    host.outlier.ejectedUntil = performance.now() + lasts;
    host.flags |= HEALTH.FAILED_OUTLIER_CHECK;
    this.stats.enforced++;
    this.stats.active = active + 1;
    this.#run();
    this.#changed();
  }

  /** Once an interval: hosts whose time is over come back, counts of the interval are judged. */
  #sweep(): void {
    const now = performance.now();
    const hosts = this.#hosts();
    let returned = false;
    for (const host of hosts) {
      const { outlier } = host;
      if (outlier.ejectedUntil > 0 && now >= outlier.ejectedUntil) {
        outlier.ejectedUntil = 0;
        host.flags &= ~HEALTH.FAILED_OUTLIER_CHECK;
        outlier.consecutive5xx = outlier.consecutiveGateway = outlier.consecutiveLocal = 0;
        returned = true;
      } else if (outlier.ejectedUntil === 0 && outlier.ejections > 0) outlier.ejections--;
    }
    this.#judgeInterval(hosts);
    this.stats.active = hosts.filter((host) => host.ejected).length;
    if (returned) this.#changed();
    const busy = hosts.some((host) => host.outlier.requests > 0 || host.outlier.ejections > 0 || host.ejected);
    for (const host of hosts) host.outlier.requests = host.outlier.successes = 0;
    this.#running = false;
    if (busy) this.#run();
  }

  #judgeInterval(hosts: readonly Host[]): void {
    const { successRate, failure } = this.config;
    const rateOf = (host: Host): number => (host.outlier.successes * 100) / host.outlier.requests;
    const rated = hosts.filter((host) => !host.ejected && host.outlier.requests >= successRate.volume);
    if (rated.length > 0 && rated.length >= successRate.hosts && successRate.enforce > 0) {
      const mean = rated.reduce((sum, host) => sum + rateOf(host), 0) / rated.length;
      const variance = rated.reduce((sum, host) => sum + (rateOf(host) - mean) ** 2, 0) / rated.length;
      const least = mean - Math.sqrt(variance) * (successRate.stdev / 1000);
      for (const host of rated) if (rateOf(host) < least) this.#eject(host, successRate.enforce);
    }
    const counted = hosts.filter((host) => !host.ejected && host.outlier.requests >= failure.volume);
    if (failure.enforce === 0 || counted.length < failure.hosts) return;
    for (const host of counted) if (100 - rateOf(host) >= failure.threshold) this.#eject(host, failure.enforce);
  }
}
