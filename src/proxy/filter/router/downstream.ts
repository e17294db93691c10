import type { SourceAddress } from '../../cluster/upstream-socket.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HttpManager } from '../../http/manager.ts';
import type { ClientOfConnection } from '../../proxy-protocol/types.ts';
import type { ForwardAction } from '../../route/action.ts';
import type { Route } from '../../route/route.ts';
import type { RouteTable } from '../../route/table.ts';
import type { Deadline } from '../../time/deadline.ts';
import type { FilterStream } from '../filter.ts';
import type { RedirectHistory } from './internal-redirect.ts';

/** What the router needs of the connection that a request came by. */
export interface DownstreamConnection {
  readonly source: SourceAddress | undefined;
  /** Tells connections of clients apart; undefined: there is none. */
  readonly id: number | undefined;
  /** Ends the run of the router that is under way by `onGlobalTimeout`. */
  readonly responseTimeout: Deadline;
  pauseReading(): void;
  resumeReading(): void;
  /** Sends what is written, then closes. */
  destroySoon(): void;
}

/** What the router needs of the connection manager. */
export type RouterSurroundings = Pick<
  HttpManager,
  'bufferLimit' | 'clusters' | 'localCluster' | 'router' | 'runtime' | 'stats' | 'tellsHosts'
>;

/** Whose request the router works on: a client's, the stand-in for a mirrored one, or one of the proxy's own. */
export interface RouterDownstream extends FilterStream {
  readonly manager: RouterSurroundings;
  readonly connection: DownstreamConnection;
  readonly routes: RouteTable | undefined;
  readonly route: Route | undefined;
  /** The cluster that the route leads to; empty when there is none. */
  readonly routeCluster: string;
  /** 0 to 2^32-1, the same for all decisions about the request. */
  readonly random: number;
  /** The whole request has been read. */
  readonly requestDone: boolean;
  /** More of the request comes after its head: filters may hold what has been read. */
  readonly bodyFollows: boolean;
  readonly responseStarted: boolean;
  readonly ended: boolean;
  /** False: what is sent waits in memory. */
  readonly writable: boolean;
  upgrade: string | undefined;
  requestComplete(): void;
  respond(head: ResponseHead, done: boolean): void;
  /** A response of 1xx, which is not the last. */
  interim(head: ResponseHead): void;
  sendBody(bytes: Buffer, start: number, stop: number, done: boolean): void;
  /** Sends a head that no body followed yet. */
  flush(): void;
  end(): void;
  redirects: RedirectHistory | undefined;
  /** Ends this stream and runs its request, whose head was changed, again from the route on. */
  redirect?(status: number, body: Buffer | undefined): void;
}

/** What hosts may be told of who a request comes from; undefined: nothing. */
export function clientOf({ peers, manager, connection }: RouterDownstream): ClientOfConnection | undefined {
  if (connection.id === undefined) return undefined;
  const { proxied, directRemote, local } = peers;
  return proxied?.told ?? (manager.tellsHosts ? { source: directRemote, destination: local, tlvs: [] } : undefined);
}

/** What a host is told of the client before what a CONNECT carries; undefined: nothing. */
export function greetingOf({
  stream,
  action,
}: {
  readonly stream: RouterDownstream;
  readonly action: ForwardAction;
}): Buffer | undefined {
  const { proxied, directRemote, local } = stream.peers;
  return action.connect?.greeting?.(proxied?.told ?? { source: directRemote, destination: local });
}
