import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../../../base/index.ts';
import type { NodeRuntime } from '../../runtime.ts';
import type { ServedResource } from '../registry/registry.ts';
import type { Store } from '../store/open-store.ts';

/** What every handler works with. */
export interface ServerContext {
  readonly store: Store;
  readonly runtime: NodeRuntime;
  readonly log: Logger;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A request to a resource, with its path taken apart. */
export interface ResourceRequest {
  readonly context: ServerContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly user: User;
  readonly resource: ServedResource;
  /** Undefined for all namespaces and for cluster-scoped resources. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

/** The path of a resource request: `/api/v1/...` or `/apis/GROUP/VERSION/...`; undefined when it is something else. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export function parseResourcePath(pathname: string): ResourcePath | undefined {
  let parts: string[];
  try {
    parts = pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  if (parts.at(-1) === '') parts.pop();
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const [group = '', version = ''] = core ? ['', parts[1]] : [parts[1], parts[2]];
  let rest = parts.slice(core ? 2 : 3);
  let namespace: string | undefined;
  const ownSubresource = rest[2] === 'status' || rest[2] === 'finalize';
  if (rest[0] === 'namespaces' && rest.length > 2 && !(core && rest.length === 3 && ownSubresource)) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural, name, ...subresource] = rest;
  if (plural === undefined || plural === '' || rest.some((part) => part === '')) return undefined;
  return {
    group,
    version,
    plural,
    namespace,
    name,
    subresource: subresource.length > 0 ? subresource.join('/') : undefined,
  };
}

/** Who holds the client certificate: common name is the user, organizations are the groups. Undefined without a valid one. */
export function userOf(request: IncomingMessage): User | undefined {
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const organizations: unknown = subject?.O;
  const groups = Array.isArray(organizations)
    ? organizations.map(String)
    : organizations === undefined
      ? []
      : [organizations].filter((one) => typeof one === 'string');
  return { name: String(subject?.CN ?? ''), groups: [...groups, 'system:authenticated'] };
}
