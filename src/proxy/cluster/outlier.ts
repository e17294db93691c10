import { Deadline } from '../time/deadline.ts';
import type { EjectionType, OutlierConfig } from './config/outlier.ts';
import { HEALTH, type Host } from './host.ts';
import { EJECTION_COUNTERS, type OutlierStats } from './outlier-stats.ts';

/** Requests to a host in the running and in the last interval, and the share of successes in that one. */
class SuccessRate {
  requests = 0;
  successes = 0;
  lastRequests = 0;
  lastSuccesses = 0;
  /** Percent; -1 while there are too few requests to tell. */
  shown = -1;

  count(success: boolean): void {
    this.requests++;
    if (success) this.successes++;
  }

  endInterval(): void {
    this.lastRequests = this.requests;
    this.lastSuccesses = this.successes;
    this.requests = this.successes = 0;
    this.shown = -1;
  }

  get percent(): number {
    return (this.lastSuccesses * 100) / this.lastRequests;
  }
}

/** What outlier detection knows of a host. Times are monotonic milliseconds, 0 when something never happened. */
export class HostMonitor {
  consecutive5xx = 0;
  consecutiveGateway = 0;
  consecutiveLocal = 0;
  /** How many base times the next ejection lasts. */
  backoff = 0;
  ejectedAt = 0;
  unejectedAt = 0;
  jitter = 0;
  readonly external = new SuccessRate();
  readonly local = new SuccessRate();
}

/** Mean success rate of a cluster's hosts and the rate below which one is ejected, both in percent; -1 when too few hosts can be judged. */
export interface ClusterRate {
  average: number;
  threshold: number;
}

/** Takes hosts that keep failing out of the rotation of one cluster, for a time that grows with each ejection. As Envoy's `DetectorImpl`. */
export class OutlierDetector {
  readonly config: OutlierConfig;
  readonly stats: OutlierStats;
  readonly external: ClusterRate = { average: -1, threshold: -1 };
  readonly local: ClusterRate = { average: -1, threshold: -1 };
  readonly #monitors = new Map<Host, HostMonitor>();
  readonly #changed: (ejected: Host | undefined) => void;
  readonly #random: () => number;
  readonly #interval = new Deadline(() => this.#endInterval());

  /** `changed` is called when a host was ejected, with that host, or when some came back. `random` gives a number in [0, 1). */
  constructor(
    config: OutlierConfig,
    stats: OutlierStats,
    changed: (ejected: Host | undefined) => void,
    random: () => number,
  ) {
    this.config = config;
    this.stats = stats;
    this.#changed = changed;
    this.#random = random;
    this.#interval.start(config.interval);
  }

  stop(): void {
    this.#interval.stop();
    this.#forget(this.#monitors.keys());
  }

  /** Hosts came and went. */
  onMembers(added: readonly Host[], removed: readonly Host[]): void {
    for (const host of added) if (!this.#monitors.has(host)) this.#monitors.set(host, new HostMonitor());
    this.#forget(removed);
  }

  monitor(host: Host): HostMonitor | undefined {
    return this.#monitors.get(host);
  }

  /** A response, by its status code. */
  onStatus(host: Host, status: number): void {
    const monitor = this.#monitors.get(host);
    if (!monitor) return;
    const failed = status >= 500 && status < 600;
    monitor.external.count(!failed);
    if (!failed) {
      monitor.consecutive5xx = monitor.consecutiveGateway = 0;
      return;
    }
    if (status < 502 || status > 504) monitor.consecutiveGateway = 0;
    else if (++monitor.consecutiveGateway === this.config.consecutiveGateway) {
      this.#onConsecutive(host, monitor, 'consecutiveGateway');
    }
    if (++monitor.consecutive5xx === this.config.consecutive5xx) this.#onConsecutive(host, monitor, 'consecutive5xx');
  }

  /** A connection could not be made, was reset or did not answer in time. `status` is what that amounts to. */
  onLocalFailure(host: Host, status: 503 | 504): void {
    if (!this.config.splitLocal) {
      this.onStatus(host, status);
      return;
    }
    const monitor = this.#monitors.get(host);
    if (!monitor) return;
    monitor.local.count(false);
    if (++monitor.consecutiveLocal === this.config.consecutiveLocal) {
      this.#onConsecutive(host, monitor, 'consecutiveLocal');
    }
  }

  /** A request got a connection. */
  onConnected(host: Host): void {
    if (!this.config.splitLocal) return;
    const monitor = this.#monitors.get(host);
    if (!monitor) return;
    monitor.local.count(true);
    monitor.consecutiveLocal = 0;
  }

  /** An active health check passed. */
  onHealthCheckPassed(host: Host): void {
    const monitor = this.#monitors.get(host);
    if (!monitor || !this.config.unejectOnHealthCheck || !host.ejected) return;
    this.#uneject(host, monitor);
    this.#changed(undefined);
  }

  #onConsecutive(
    host: Host,
    monitor: HostMonitor,
    type: 'consecutive5xx' | 'consecutiveGateway' | 'consecutiveLocal',
  ): void {
    if (host.ejected) return;
    this.#detected(host, monitor, type);
    if (type === 'consecutive5xx') this.stats.deprecated5xx++;
    monitor[type] = 0;
  }

  #detected(host: Host, monitor: HostMonitor, type: EjectionType): void {
    const { stats, config } = this;
    const names = EJECTION_COUNTERS[type];
    stats[names.detected]++;
    const share = (100 * (stats.active + 1)) / this.#monitors.size;
    if (share > config.maxPercent && !(config.alwaysOne && stats.active === 0)) {
      stats.overflow++;
      return;
    }
    if (type === 'consecutive5xx' || type === 'successRate') stats.total++;
    if (this.#random() * 100 >= config.enforcing[type]) return;
    stats.active++;
    stats.enforced++;
    stats[names.enforced]++;
    host.flags |= HEALTH.FAILED_OUTLIER_CHECK;
    monitor.ejectedAt = performance.now();
    monitor.jitter = Math.floor(this.#random() * (config.jitter + 1));
    if (monitor.backoff * config.baseEjection < config.maxEjection + config.baseEjection) monitor.backoff++;
    this.#changed(host);
  }

  #uneject(host: Host, monitor: HostMonitor): void {
    this.stats.active--;
    host.flags &= ~HEALTH.FAILED_OUTLIER_CHECK;
    monitor.consecutive5xx = monitor.consecutiveGateway = monitor.consecutiveLocal = 0;
    monitor.unejectedAt = performance.now();
  }

  #forget(hosts: Iterable<Host>): void {
    for (const host of hosts) if (this.#monitors.delete(host) && host.ejected) this.stats.active--;
  }

  /** Hosts whose time is over come back, and the rates of the interval are judged. */
  #endInterval(): void {
    const { interval } = this.config;
    const now = performance.now();
    let returned = false;
    for (const [host, monitor] of this.#monitors) {
      if (host.ejected && this.#isOver(monitor, now)) {
        this.#uneject(host, monitor);
        returned = true;
      }
      monitor.external.endInterval();
      monitor.local.endInterval();
    }
    if (returned) this.#changed(undefined);
    this.#judge('external');
    this.#judge('local');
    for (const [host, monitor] of this.#monitors) {
      const calm = monitor.unejectedAt > 0 && now - monitor.unejectedAt >= interval;
      if (!host.ejected && calm && monitor.backoff > 0) monitor.backoff--;
    }
    this.#interval.start(interval);
  }

  #isOver({ backoff, jitter, ejectedAt }: HostMonitor, now: number): boolean {
    const { baseEjection, maxEjection } = this.config;
    return Math.min(baseEjection * backoff, maxEjection) + jitter <= now - ejectedAt;
  }

  #judge(origin: 'external' | 'local'): void {
    const { successRate, failure } = this.config;
    const cluster = this[origin];
    cluster.average = cluster.threshold = -1;
    const size = this.#monitors.size;
    if (size < successRate.hosts && size < failure.hosts) return;
    const seen = [...this.#monitors].filter(([host, one]) => !host.ejected && one[origin].lastRequests > 0);
    for (const [, { [origin]: rate }] of seen) {
      if (rate.lastRequests >= Math.min(successRate.volume, failure.volume)) rate.shown = rate.percent;
    }
    const rated = seen.filter(([, one]) => one[origin].lastRequests >= successRate.volume);
    const failing = seen.filter(([, one]) => one[origin].lastRequests >= failure.volume);
    if (rated.length > 0 && rated.length >= successRate.hosts) {
      Object.assign(
        cluster,
        rateOf(
          rated.map(([, one]) => one[origin].percent),
          successRate.stdevFactor,
        ),
      );
      for (const [host, monitor] of rated) {
        if (monitor[origin].percent >= cluster.threshold) continue;
        this.stats.deprecatedSuccessRate++;
        this.#detected(host, monitor, origin === 'external' ? 'successRate' : 'localSuccessRate');
      }
    }
    if (failing.length === 0 || failing.length < failure.hosts) return;
    for (const [host, monitor] of failing) {
      if (100 - monitor[origin].percent < failure.threshold) continue;
      this.#detected(host, monitor, origin === 'external' ? 'failurePercentage' : 'localFailurePercentage');
    }
  }
}

function rateOf(percents: readonly number[], stdevFactor: number): ClusterRate {
  const average = percents.reduce((sum, percent) => sum + percent, 0) / percents.length;
  const variance = percents.reduce((sum, percent) => sum + (percent - average) ** 2, 0) / percents.length;
  return { average, threshold: average - stdevFactor * Math.sqrt(variance) };
}
