import { type Address, formatAddress } from '../config/address.ts';
import type { Peer } from '../http/stream-info.ts';
import type { Pool } from './pool.ts';

/** What outlier detection counts for a host. */
export interface OutlierCounts {
  consecutive5xx: number;
  consecutiveGateway: number;
  consecutiveLocal: number;
  /** How often in a row the host was ejected; sets how long the next ejection lasts. */
  ejections: number;
  /** Monotonic milliseconds; 0 when not ejected. */
  ejectedUntil: number;
  successes: number;
  requests: number;
}

/** One endpoint of a cluster. It outlives endpoint updates that still name it, with its connections and counters. */
export class Host {
  readonly address: Address;
  /** `a.b.c.d:p`, as Envoy prints it. */
  readonly name: string;
  readonly peer: Peer;
  readonly hostname: string;
  weight = 1;
  /** Health as the endpoint assignment tells it. */
  health: 'healthy' | 'degraded' | 'unhealthy' = 'healthy';
  activeRequests = 0;
  /** Whether the host was used since the last clean-up of original destinations. */
  used = true;
  readonly outlier: OutlierCounts = {
    consecutive5xx: 0,
    consecutiveGateway: 0,
    consecutiveLocal: 0,
    ejections: 0,
    ejectedUntil: 0,
    successes: 0,
    requests: 0,
  };
  readonly stats = { cxActive: 0, cxTotal: 0, cxConnectFail: 0, rqTotal: 0, rqSuccess: 0, rqError: 0, rqTimeout: 0 };
  /** Connections by source address; the empty key is the proxy's own. */
  readonly pools = new Map<string, Pool>();

  constructor(address: Address, hostname = '') {
    this.address = address;
    this.name = formatAddress(address);
    this.peer =
      address.kind === 'pipe' ? { address: address.path, port: 0 } : { address: address.host, port: address.port };
    this.hostname = hostname;
  }

  get ejected(): boolean {
    return this.outlier.ejectedUntil > 0;
  }

  drain(): void {
    for (const pool of this.pools.values()) pool.drain();
  }
}
