import { NO_NAMES } from '../tls/upstream.ts';
import type { Cluster } from './cluster.ts';
import { freePool } from './free-pool.ts';
import type { Host } from './host.ts';
import { Http2Pool } from './http2-pool.ts';
import { type ConnectionPool, Pool, type PoolOptions, type PoolWish } from './pool.ts';
import type { Resources } from './resources.ts';
import { bindAddress } from './upstream-socket.ts';

/** What is offered, the preferred one first. */
const ALPN = { http1: ['http/1.1'], http2: ['h2'], auto: ['h2', 'http/1.1'] };

/** Connections of one priority to a host that a request may use. */
interface Place {
  readonly cluster: Cluster;
  readonly host: Host;
  /** What they count against. */
  readonly resources: Resources;
  readonly wish: PoolWish;
}

/** The connections that fit; undefined: there are too many sets of them. */
export function poolFor(place: Place): ConnectionPool | undefined {
  const { cluster, host, resources, wish } = place;
  const http2 = !wish.raw && expectsHttp2(place);
  const known = host.pools.get(keyOf(place, http2));
  if (known) return known;
  if (resources.all.pools < resources.limits.pools || freePool(host, resources)) return addPool(place, http2);
  cluster.stats.cxPoolOverflow++;
  return undefined;
}

/** Where the handshake decides, HTTP/2 is expected as by Envoy, unless there are connections of HTTP/1.1. */
function expectsHttp2(place: Place): boolean {
  const { cluster, host, wish } = place;
  switch (cluster.config.protocol) {
    case 'http1':
      return false;
    case 'http2':
      return true;
    case 'downstream':
      return wish.downstream === 'HTTP/2';
    case 'auto':
      return !host.pools.has(keyOf(place, false));
  }
}

function keyOf({ cluster, host, resources, wish }: Place, http2: boolean): string {
  const { source, client, raw, names, told } = wish;
  const { sockets, poolPerClient } = cluster.config;
  const from = bindAddress(source, host.peer.address);
  const place = from ? `${from.address} ${from.mark}` : '';
  const ofPriority = resources === cluster.resources.DEFAULT ? place : `${place} HIGH`;
  const shared = raw ? `${ofPriority} TCP` : http2 ? `${ofPriority} HTTP/2` : ofPriority;
  const ofClient = poolPerClient && client !== undefined ? `${shared} ${client}` : shared;
  const named = names === NO_NAMES ? ofClient : `${ofClient} ${names.serverName} ${names.wanted}`;
  return sockets.proxyProtocol ? `${named} ${sockets.proxyProtocol.keyOf(told)}` : named;
}

function addPool(place: Place, http2: boolean): ConnectionPool {
  const pool = makePool(place, http2);
  place.host.pools.set(keyOf(place, http2), pool);
  return pool;
}

function makePool(place: Place, http2: boolean): ConnectionPool {
  const { cluster, host, resources, wish } = place;
  const { protocol, sockets } = cluster.config;
  const auto = protocol === 'auto' && !wish.raw;
  const options: PoolOptions = {
    key: keyOf(place, http2),
    raw: wish.raw,
    source: bindAddress(wish.source, host.peer.address),
    encryption: cluster.encryptionFor(host, wish.names, ALPN[auto ? 'auto' : http2 ? 'http2' : 'http1']),
    greeting: sockets.proxyProtocol?.greeting(wish.told),
    other: auto ? (leaving) => otherPool(place, !http2, leaving) : undefined,
  };
  return http2 ? new Http2Pool(cluster, host, resources, options) : new Pool(cluster, host, resources, options);
}

/** `leaving`: it is to end with what it is given, so that nobody else may find it. */
function otherPool(place: Place, http2: boolean, leaving: boolean): ConnectionPool {
  if (leaving) return makePool(place, http2);
  return place.host.pools.get(keyOf(place, http2)) ?? addPool(place, http2);
}
