import { parseIp } from '../../base/index.ts';
import { formatHostPort } from '../config/address.ts';
import type { JsonValue } from '../config/fields.ts';
import { splitPort } from '../route/redirect.ts';
import { Deadline } from '../time/deadline.ts';
import type { OriginalDstConfig } from './config/original-dst.ts';
import type { LoadBalancerContext } from './context.ts';
import { Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';
import type { ClusterStats } from './stats.ts';

/** Original destinations in use at a time; beyond it new ones are refused. */
const MAX_HOSTS = 16_384;

interface Target {
  readonly host: string;
  readonly port: number;
}

const firstOf = (value: JsonValue | undefined): JsonValue | undefined => (Array.isArray(value) ? value[0] : value);

/** The hosts of an ORIGINAL_DST cluster: made when a request first needs them, forgotten when an interval passes without use. */
export class OriginalDestinations implements HostFinder {
  readonly #config: OriginalDstConfig;
  readonly #clusterName: string;
  readonly #stats: ClusterStats;
  readonly #changed: (hosts: readonly Host[], added: readonly Host[], removed: readonly Host[]) => void;
  readonly #hosts = new Map<string, Host>();
  readonly #cleanup = new Deadline(() => this.#clean());

  /** `changed` gets all hosts when some came or went. */
  constructor(
    config: OriginalDstConfig,
    clusterName: string,
    stats: ClusterStats,
    changed: (hosts: readonly Host[], added: readonly Host[], removed: readonly Host[]) => void,
  ) {
    this.#config = config;
    this.#clusterName = clusterName;
    this.#stats = stats;
    this.#changed = changed;
  }

  choose(context: LoadBalancerContext): Host | undefined {
    const target = this.#target(context);
    if (!target) return undefined;
    const { portOverride } = this.#config;
    const port = portOverride ?? target.port;
    const key = formatHostPort(target.host, port);
    let host = this.#hosts.get(key);
    if (!host) {
      if (this.#hosts.size >= MAX_HOSTS) return undefined;
      const address = { kind: 'socket', host: target.host, port } as const;
      host = new Host({ address, hostname: `${this.#clusterName}${key}` });
      this.#hosts.set(key, host);
      this.#changed([...this.#hosts.values()], [host], []);
      if (!this.#cleanup.waiting) this.#cleanup.start(this.#config.cleanupInterval);
    }
    host.used = true;
    return host;
  }

  stop(): void {
    this.#cleanup.stop();
  }

  /** Envoy's order: metadata, header, the destination from before a redirect. */
  #target({ info }: LoadBalancerContext): Target | undefined {
    const { metadataKey, header } = this.#config;
    const noted = metadataKey && firstOf(info.metadata(metadataKey.key, metadataKey.path));
    const named = header === '' ? undefined : info.requestHeader(header);
    const { originalDestination: before } = info.peers;
    return (
      (typeof noted === 'string' ? this.#parse(noted) : undefined) ??
      (named === undefined ? undefined : this.#parse(named)) ??
      (before && { host: before.address, port: before.port })
    );
  }

  /** An IP address with a port; anything else is counted and ignored. */
  #parse(text: string): Target | undefined {
    const [host, port] = splitPort(text);
    const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
    if (parseIp(bare) && /^\d{1,5}$/.test(port) && Number(port) <= 65_535) return { host: bare, port: Number(port) };
    this.#stats.originalHostInvalid++;
    return undefined;
  }

  #clean(): void {
    const removed: Host[] = [];
    for (const [key, host] of this.#hosts) {
      if (host.used || host.pools.size > 0 || host.stats.cxActive > 0) host.used = false;
      else {
        this.#hosts.delete(key);
        removed.push(host);
      }
    }
    if (removed.length > 0) this.#changed([...this.#hosts.values()], [], removed);
    if (this.#hosts.size > 0) this.#cleanup.start(this.#config.cleanupInterval);
  }
}
