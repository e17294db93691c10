import { createRequire } from 'node:module';
import type { Client } from '@grpc/grpc-js';
import type { Cluster } from '../../cluster/cluster.ts';
import type { Host } from '../../cluster/host.ts';
import { formatAddress } from '../../config/address.ts';

type Library = typeof import('@grpc/grpc-js');
let loaded: Library | undefined;

/** The gRPC library, loaded when the first call is made. */
export function grpcLibrary(): Library {
  loaded ??= createRequire(import.meta.url)('@grpc/grpc-js') as Library;
  return loaded;
}

/** How long a host that could not be reached is left alone, in milliseconds: at first, and at most. */
const FIRST_BACK_OFF = 100;
const LONGEST_BACK_OFF = 5000;

interface Held {
  readonly client: Client;
  readonly cluster: Cluster;
}

/** gRPC connections to hosts of clusters: one for each, as long as its cluster has it. */
export class GrpcClients {
  readonly #held = new Map<Host, Held>();
  readonly #isInForce: (cluster: Cluster) => boolean;

  constructor(isInForce: (cluster: Cluster) => boolean) {
    this.#isInForce = isInForce;
  }

  /** Connects when the first call is made. */
  of(cluster: Cluster, host: Host): Client {
    const known = this.#held.get(host);
    if (known) return known.client;
    this.#forgetUnused();
    const { Client: Made, credentials } = grpcLibrary();
    const { address } = host;
    const target = address.kind === 'pipe' ? `unix:${address.path}` : formatAddress(address);
    const client = new Made(target, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.initial_reconnect_backoff_ms': FIRST_BACK_OFF,
      'grpc.max_reconnect_backoff_ms': LONGEST_BACK_OFF,
    });
    this.#held.set(host, { client, cluster });
    return client;
  }

  close(): void {
    for (const { client } of this.#held.values()) client.close();
    this.#held.clear();
  }

  /** Calls under way end by themselves. */
  #forgetUnused(): void {
    for (const [host, { client, cluster }] of this.#held) {
      if (this.#isInForce(cluster) && cluster.hosts.includes(host)) continue;
      this.#held.delete(host);
      client.close();
    }
  }
}
