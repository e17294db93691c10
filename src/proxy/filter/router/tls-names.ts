import net from 'node:net';
import type { Cluster } from '../../cluster/cluster.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { NO_NAMES, type TlsNames } from '../../tls/upstream.ts';

/** What the handshake with a host takes from the request. */
export function namesOf({ config: { autoNames } }: Cluster, stream: StreamInfo): TlsNames {
  const { serverName, verified } = autoNames;
  if (serverName === undefined && !verified) return NO_NAMES;
  const host = hostOf(stream.requestHeader(serverName ?? ':authority') ?? stream.requestHeader(':authority') ?? '');
  const asked = serverName === undefined || net.isIP(host) !== 0 ? '' : host;
  return { serverName: asked, wanted: verified ? host : '', alone: false };
}

/** A host header without its port and, of an IPv6 address, without brackets. */
function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
