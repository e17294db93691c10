import { HEALTH, type Host } from '../host.ts';
import type { HealthCheckConfig } from './config.ts';
import { GrpcProbe } from './grpc-probe.ts';
import { HttpProbe } from './http-probe.ts';
import type { CheckResult, Probe } from './probe.ts';
import { HealthSession, type SessionOwner } from './session.ts';
import { createTcpProbe } from './tcp-probe.ts';

/** What a connection for checks offers as ALPN. */
export function offeredBy({ check }: HealthCheckConfig): readonly string[] {
  return check.kind === 'grpc' ? ['h2'] : ['http/1.1'];
}

/** Checks the hosts of one cluster, each for itself. */
export class HealthChecker {
  readonly #owner: SessionOwner;
  readonly #clusterName: string;
  readonly #sessions = new Map<Host, HealthSession>();

  constructor(owner: SessionOwner, clusterName: string) {
    this.#owner = owner;
    this.#clusterName = clusterName;
  }

  onMembers(added: readonly Host[], removed: readonly Host[]): void {
    for (const host of removed) {
      this.#sessions.get(host)?.close();
      this.#sessions.delete(host);
    }
    for (const host of added) {
      if (host.checkDisabled || this.#sessions.has(host)) continue;
      const session = new HealthSession(this.#owner, host, (tell) => this.#probe(host, tell));
      this.#sessions.set(host, session);
      session.start();
    }
  }

  /** A response from the host carries `x-envoy-immediate-health-check-fail`. */
  failImmediately(host: Host): void {
    this.#sessions.get(host)?.failImmediately();
  }

  stop(): void {
    this.onMembers([], [...this.#sessions.keys()]);
  }

  #probe(host: Host, tell: (result: CheckResult) => void): Probe {
    const { config, stats, binding, greeting } = this.#owner;
    const { check, reuseConnection: reuse } = config;
    const address = host.checkAddress;
    const encryption = this.#owner.encryptionFor(host);
    if (check.kind === 'tcp') return createTcpProbe(check, { address, binding, encryption, greeting }, reuse, tell);
    if (check.kind === 'grpc') {
      const authority = host.checkHostname || check.authority || this.#clusterName;
      const { timeout } = config;
      const { http2 } = this.#owner;
      return new GrpcProbe({
        config: check,
        host,
        address,
        binding,
        encryption,
        greeting,
        http2,
        authority,
        timeout,
        reuse,
        tell,
        onProtocolError: () => {
          this.#owner.connections.cxProtocolError++;
        },
      });
    }
    return new HttpProbe({
      config: check,
      host,
      address,
      binding,
      encryption,
      greeting,
      authority: host.checkHostname || check.host || this.#clusterName,
      reuse,
      tell,
      onImmediateFail: () => {
        host.flags |= HEALTH.EXCLUDED_VIA_IMMEDIATE_HC_FAIL;
      },
      onVerify: () => {
        stats.verifyCluster++;
      },
    });
  }
}
