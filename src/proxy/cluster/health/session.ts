import type { Http2Options } from '../../http2/options.ts';
import type { Greeting } from '../../proxy-protocol/upstream.ts';
import { Deadline } from '../../time/deadline.ts';
import type { Encryption } from '../../tls/upstream.ts';
import type { UpstreamBinding } from '../config/binding.ts';
import { HEALTH, type Host } from '../host.ts';
import type { ClusterStats } from '../stats.ts';
import type { HealthCheckConfig } from './config.ts';
import type { CheckResult, Probe } from './probe.ts';
import type { HealthCheckStats } from './stats.ts';

/** What the sessions of one cluster share. */
export interface SessionOwner {
  readonly config: HealthCheckConfig;
  /** Where checks come from, as other connections of the cluster. */
  readonly binding: UpstreamBinding | undefined;
  /** What connections to a host are encrypted with; undefined: with nothing. */
  encryptionFor(host: Host): Encryption | undefined;
  /** What connections begin with; undefined: nothing but the check. */
  readonly greeting?: Greeting | undefined;
  /** How checks over HTTP/2 speak. */
  readonly http2: Http2Options;
  readonly stats: HealthCheckStats;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** What the cluster counts of its connections. */
  readonly connections: Pick<ClusterStats, 'cxTotal' | 'cxProtocolError'>;
  /** A check is done. `changed`: the host counts otherwise than before. */
  onChecked(host: Host, changed: boolean, healthy: boolean): void;
}

type Failure = 'failed' | 'retriable' | 'network' | 'timeout' | 'passive';
type Transition = 'unchanged' | 'pending' | 'changed';

/** The checks of one host, one after the other. As Envoy's `ActiveHealthCheckSession`. */
export class HealthSession {
  readonly #owner: SessionOwner;
  readonly #host: Host;
  readonly #probe: Probe;
  readonly #interval = new Deadline(() => this.#check());
  readonly #timeout = new Deadline(() => this.#timedOut());
  #first = true;
  #healthy = 0;
  #unhealthy = 0;
  #closed = false;

  constructor(owner: SessionOwner, host: Host, makeProbe: (tell: (result: CheckResult) => void) => Probe) {
    this.#owner = owner;
    this.#host = host;
    this.#probe = makeProbe((result) => this.#onResult(result));
    if (!this.#has(HEALTH.FAILED_ACTIVE_HC)) owner.stats.healthy++;
    if (this.#has(HEALTH.DEGRADED_ACTIVE_HC)) owner.stats.degraded++;
  }

  start(): void {
    const { initialJitter } = this.#owner.config;
    if (initialJitter === 0) this.#check();
    else this.#interval.start(Math.max(1, Math.floor(this.#owner.random() * initialJitter)));
  }

  close(): void {
    const { stats } = this.#owner;
    this.#closed = true;
    this.#interval.stop();
    this.#timeout.stop();
    this.#probe.abort();
    if (!this.#has(HEALTH.FAILED_ACTIVE_HC)) stats.healthy--;
    if (this.#has(HEALTH.DEGRADED_ACTIVE_HC)) stats.degraded--;
  }

  /** A response to ordinary traffic says that the host does not want any. */
  failImmediately(): void {
    this.#host.flags |= HEALTH.EXCLUDED_VIA_IMMEDIATE_HC_FAIL;
    this.#setUnhealthy('passive');
  }

  #check(): void {
    const { stats, config } = this.#owner;
    this.#timeout.start(config.timeout);
    stats.attempt++;
    this.#probe.start();
  }

  #timedOut(): void {
    this.#probe.abort();
    this.#fail('timeout');
  }

  #onResult(result: CheckResult): void {
    if (this.#closed) return;
    if (result === 'healthy' || result === 'degraded') this.#succeed(result === 'degraded');
    else this.#fail(result);
  }

  #succeed(degraded: boolean): void {
    const { stats, config } = this.#owner;
    this.#unhealthy = 0;
    let transition: Transition = 'unchanged';
    if (this.#has(HEALTH.FAILED_ACTIVE_HC)) {
      if (this.#first || ++this.#healthy === config.healthyThreshold) {
        this.#clear(HEALTH.ACTIVE_HC_TIMEOUT | HEALTH.EXCLUDED_VIA_IMMEDIATE_HC_FAIL | HEALTH.FAILED_ACTIVE_HC);
        stats.healthy++;
        transition = 'changed';
      } else transition = 'pending';
      this.#host.healthySince = performance.now();
    }
    transition = this.#clearPending(transition);
    if (degraded !== this.#has(HEALTH.DEGRADED_ACTIVE_HC)) {
      this.#host.flags ^= HEALTH.DEGRADED_ACTIVE_HC;
      stats.degraded += degraded ? 1 : -1;
      if (transition === 'unchanged') transition = 'changed';
    }
    stats.success++;
    this.#done(transition, true);
    this.#timeout.stop();
    if (!this.#closed) this.#interval.start(this.#next(true, transition));
  }

  #fail(failure: Failure): void {
    const transition = this.#setUnhealthy(failure);
    this.#timeout.stop();
    if (!this.#closed) this.#interval.start(this.#next(false, transition));
  }

  #setUnhealthy(failure: Failure): Transition {
    const { stats, config } = this.#owner;
    const network = failure === 'network' || failure === 'timeout';
    this.#healthy = 0;
    let transition: Transition = 'unchanged';
    if (!this.#has(HEALTH.FAILED_ACTIVE_HC)) {
      const atOnce = !network && failure !== 'retriable';
      if (atOnce || ++this.#unhealthy === config.unhealthyThreshold) {
        this.#host.flags |= HEALTH.FAILED_ACTIVE_HC;
        stats.healthy--;
        transition = 'changed';
      } else transition = 'pending';
    }
    if (failure === 'timeout' && this.#has(HEALTH.FAILED_ACTIVE_HC)) this.#host.flags |= HEALTH.ACTIVE_HC_TIMEOUT;
    else this.#clear(HEALTH.ACTIVE_HC_TIMEOUT);
    transition = this.#clearPending(transition);
    stats.failure++;
    if (network) stats.networkFailure++;
    else if (failure === 'passive') stats.passiveFailure++;
    this.#done(transition, false);
    return transition;
  }

  #done(transition: Transition, healthy: boolean): void {
    this.#first = false;
    this.#owner.onChecked(this.#host, transition === 'changed', healthy);
  }

  #clearPending(transition: Transition): Transition {
    if (!this.#has(HEALTH.PENDING_ACTIVE_HC)) return transition;
    this.#clear(HEALTH.PENDING_ACTIVE_HC);
    return 'changed';
  }

  #has(flag: number): boolean {
    return (this.#host.flags & flag) !== 0;
  }

  #clear(flags: number): void {
    this.#host.flags &= ~flags;
  }

  /** Milliseconds until the next check. */
  #next(healthy: boolean, transition: Transition): number {
    const { config, random } = this.#owner;
    const base = this.#base(healthy, transition === 'pending');
    const share = Math.floor((config.jitterPercent * base) / 100);
    return Math.max(1, base + Math.floor(random() * share) + Math.floor(random() * config.jitter));
  }

  #base(healthy: boolean, pending: boolean): number {
    const { config } = this.#owner;
    // The cluster never had a connection.
    if (this.#owner.connections.cxTotal === 0) {
      return healthy && !pending ? config.noTrafficHealthyInterval : config.noTrafficInterval;
    }
    if (healthy) return pending ? config.healthyEdgeInterval : config.interval;
    return pending ? config.unhealthyEdgeInterval : config.unhealthyInterval;
  }
}
