import type { Host } from './host.ts';

/** The host that a filter wants for a request. */
export interface OverrideHost {
  /** As `Host.name`. */
  readonly address: string;
  /** No other host will do. */
  readonly strict: boolean;
  /** Of the answer where no other will do and it is not to be had. */
  readonly status: number;
}

const byName = new WeakMap<readonly Host[], ReadonlyMap<string, Host>>();

/** The host of that address, unless its health forbids (`override_host_status` as by default: unknown, healthy, degraded). */
export function findOverride(hosts: readonly Host[], { address }: OverrideHost): Host | undefined {
  const known = byName.get(hosts) ?? new Map(hosts.map((host) => [host.name, host]));
  byName.set(hosts, known);
  const host = known.get(address);
  return host?.health === 'unhealthy' ? undefined : host;
}
