import { type Address, formatAddress } from '../config/address.ts';
import type { JsonObject } from '../config/fields.ts';
import type { Peer } from '../http/stream-info.ts';
import type { ConnectionPool } from './pool.ts';

/** Envoy's health flags of a host as bits; each has its own source, and the host is as healthy as the worst of them. */
export const HEALTH = {
  FAILED_ACTIVE_HC: 1 << 0,
  FAILED_OUTLIER_CHECK: 1 << 1,
  FAILED_EDS_HEALTH: 1 << 2,
  DEGRADED_ACTIVE_HC: 1 << 3,
  DEGRADED_EDS_HEALTH: 1 << 4,
  PENDING_DYNAMIC_REMOVAL: 1 << 5,
  PENDING_ACTIVE_HC: 1 << 6,
  EXCLUDED_VIA_IMMEDIATE_HC_FAIL: 1 << 7,
  ACTIVE_HC_TIMEOUT: 1 << 8,
  EDS_STATUS_DRAINING: 1 << 9,
} as const;

const UNHEALTHY =
  HEALTH.FAILED_ACTIVE_HC | HEALTH.FAILED_OUTLIER_CHECK | HEALTH.FAILED_EDS_HEALTH | HEALTH.EDS_STATUS_DRAINING;
const DEGRADED = HEALTH.DEGRADED_ACTIVE_HC | HEALTH.DEGRADED_EDS_HEALTH;
const EXCLUDED = HEALTH.PENDING_ACTIVE_HC | HEALTH.EXCLUDED_VIA_IMMEDIATE_HC_FAIL | HEALTH.EDS_STATUS_DRAINING;
/** The flags that an endpoint assignment decides. */
export const EDS_HEALTH = HEALTH.FAILED_EDS_HEALTH | HEALTH.DEGRADED_EDS_HEALTH | HEALTH.EDS_STATUS_DRAINING;

/** Where a host runs; `key` tells localities apart and sorts them as Envoy does, by region, zone and sub-zone. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly key: string;
}

export function localityOf(region: string, zone: string, subZone: string): Locality {
  return { region, zone, subZone, key: `${region}\0${zone}\0${subZone}` };
}

export const NO_LOCALITY = localityOf('', '', '');

/** An endpoint as an assignment names it. */
export interface EndpointConfig {
  /** Tells endpoints apart that have the same address and are hosts of their own; undefined: the address does. */
  readonly identity?: string;
  readonly address: Address;
  /** More addresses of the same host. */
  readonly others?: readonly Address[];
  readonly hostname: string;
  readonly weight: number;
  /** Flags of `EDS_HEALTH`. */
  readonly health: number;
  readonly priority: number;
  readonly locality: Locality;
  /** `filter_metadata` by namespace. */
  readonly metadata: JsonObject | undefined;
  readonly check: EndpointCheck | undefined;
}

/** An endpoint's `health_check_config`. */
export interface EndpointCheck {
  /** Where its health is asked for; undefined: where it serves. */
  readonly address: Address | undefined;
  readonly hostname: string;
  readonly disabled: boolean;
}

/** A connection to a host that no pool holds. */
export interface Carried {
  onHostFailed(): void;
}

/** One endpoint of a cluster. It outlives endpoint updates that still name it, with its connections and counters. */
export class Host {
  /** What an update knows the host by. */
  readonly identity: string;
  address: Address;
  /** All of them, `address` first. */
  addresses: readonly Address[];
  /** `a.b.c.d:p`, as Envoy prints it. */
  name: string;
  peer: Peer;
  readonly hostname: string;
  /** Where, by which name and whether its health is asked for. */
  checkAddress: Address;
  readonly checkHostname: string;
  readonly checkDisabled: boolean;
  weight: number;
  priority: number;
  locality: Locality;
  metadata: JsonObject | undefined;
  /** Bits of `HEALTH`. */
  flags: number;
  /** Monotonic milliseconds of when the host became healthy, from which slow start counts; 0 when that is not known. */
  healthySince = 0;
  activeRequests = 0;
  /** Whether the host was used since the last clean-up of original destinations. */
  used = true;
  readonly stats = { cxActive: 0, cxTotal: 0, cxConnectFail: 0, rqTotal: 0, rqSuccess: 0, rqError: 0, rqTimeout: 0 };
  /** Connections by source address; the empty key is the proxy's own. */
  readonly pools = new Map<string, ConnectionPool>();
  /** Connections that end when the host fails, where the cluster wants that. */
  readonly carried = new Set<Carried>();

  constructor(endpoint: Partial<EndpointConfig> & Pick<EndpointConfig, 'address'>) {
    const { address } = endpoint;
    this.identity = identityOf(endpoint);
    this.address = address;
    this.addresses = [address, ...(endpoint.others ?? [])];
    this.name = formatAddress(address);
    this.peer = peerOf(address);
    this.hostname = endpoint.hostname ?? '';
    this.checkAddress = endpoint.check?.address ?? address;
    this.checkHostname = endpoint.check?.hostname ?? '';
    this.checkDisabled = endpoint.check?.disabled ?? false;
    this.weight = endpoint.weight ?? 1;
    this.priority = endpoint.priority ?? 0;
    this.locality = endpoint.locality ?? NO_LOCALITY;
    this.metadata = endpoint.metadata;
    this.flags = endpoint.health ?? 0;
  }

  get health(): 'healthy' | 'degraded' | 'unhealthy' {
    if ((this.flags & UNHEALTHY) !== 0) return 'unhealthy';
    return (this.flags & DEGRADED) !== 0 ? 'degraded' : 'healthy';
  }

  /** Left out of the count that panic and priority loads go by. */
  get excluded(): boolean {
    return (this.flags & EXCLUDED) !== 0;
  }

  get ejected(): boolean {
    return (this.flags & HEALTH.FAILED_OUTLIER_CHECK) !== 0;
  }

  /** From now on new connections go to other addresses; the present ones stay. */
  moveTo(address: Address, others: readonly Address[]): void {
    if (this.checkAddress === this.address) this.checkAddress = address;
    this.address = address;
    this.addresses = [address, ...others];
    this.name = formatAddress(address);
    this.peer = peerOf(address);
  }

  /** Lets the connections end with what they carry; whoever comes next gets new ones. */
  drain(): void {
    const pools = [...this.pools.values()];
    this.pools.clear();
    for (const pool of pools) pool.drain();
  }

  /** As `drain`, for a host that does not work. */
  fail(): void {
    this.drain();
    for (const connection of this.carried) connection.onHostFailed();
  }
}

export function identityOf({ identity, address }: Pick<EndpointConfig, 'identity' | 'address'>): string {
  return identity ?? formatAddress(address);
}

/** One end of connections to an address. */
export function peerOf(address: Address): Peer {
  return address.kind === 'socket'
    ? { address: address.host, port: address.port }
    : { address: formatAddress(address), port: 0 };
}
