import type { LocalReply } from '../filter/filter.ts';
import { isGrpcType } from './grpc-status.ts';
import { shapeHost } from './host.ts';
import { shapePath } from './path.ts';
import { type ShapedStream, shapeRequestHeaders } from './request-headers.ts';
import type { Shaping } from './request-shaping.ts';
import { wantedUpgrade } from './upgrade.ts';

const refuse = (status: number, details: string): LocalReply => ({ status, body: '', details });

/** Checks a request as Envoy's connection manager does, in its order, and brings it into shape. */
export function admitRequest(stream: ShapedStream): LocalReply | undefined {
  const { head, manager } = stream;
  if (!head.hasAuthority) return refuse(400, 'missing_host_header');
  if (head.method === 'QUERY' && !head.headers.get('content-type')) return refuse(400, 'query_missing_content_type');
  const path = admitPath(stream);
  if (path) return path;
  if (manager.host) head.authority = shapeHost(head.authority, head.method, stream.peers.local.port, manager.host);
  // Whether it is allowed waits for the route, which may know better than the connection manager.
  stream.upgrade = wantedUpgrade(head);
  return shapeRequestHeaders(stream);
}

function admitPath(stream: ShapedStream): LocalReply | undefined {
  const { head, manager } = stream;
  const { path } = head;
  if (path === '' && head.method === 'CONNECT') return undefined;
  if (path.charCodeAt(0) !== 0x2f) {
    manager.stats.rqNonRelativePath++;
    return refuse(404, 'absolute_path_rejected');
  }
  if (path.includes('#')) {
    if (manager.runtime.flag('envoy.reloadable_features.http_reject_path_with_fragment', true)) {
      manager.stats.rqFailedNormalization++;
      return refuse(400, 'path_normalization_failed');
    }
    head.path = path.slice(0, path.indexOf('#'));
  }
  return manager.path ? normalizePath(stream, manager.path) : undefined;
}

function normalizePath(stream: ShapedStream, options: NonNullable<Shaping['path']>): LocalReply | undefined {
  const { head, manager } = stream;
  const { action, path } = shapePath(head.path, options);
  head.path = path;
  if (action === 'continue') return undefined;
  // A client of gRPC follows no redirects.
  if (action === 'reject' || isGrpcType(head.headers.get('content-type'))) {
    manager.stats.rqFailedNormalization++;
    return refuse(400, 'path_normalization_failed');
  }
  manager.stats.rqRedirectedNormalized++;
  return { ...refuse(307, 'path_normalization_failed'), headers: [['location', path]] };
}
