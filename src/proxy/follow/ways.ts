import type { JsonObject } from '../config/fields.ts';
import type { LocalReply } from '../filter/filter.ts';
import { RequestHead } from '../http/head.ts';
import { admitRequest } from '../http/request.ts';
import type { ShapedStream } from '../http/request-headers.ts';
import { tableFor } from '../http/scoped-routes.ts';
import { HTTP_STATS } from '../http/stats.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { directReply, finalizeRequest } from '../route/finalize.ts';
import { clusterOf, type Route } from '../route/route.ts';
import type { RouteTable } from '../route/table.ts';
import { Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';
import type { RoutingManager } from './connection-manager.ts';
import type { SentRequest, Way } from './types.ts';

/** All remainders of small numbers come up among so many, one after the other. */
const SAMPLES = 65_536;
/** Spreads numbers evenly over 32 bits (Knuth's multiplicative hash). */
const SPREAD = 2_654_435_761;

/** Every way that requests like this one take, those that most take first. */
export function waysOf(manager: RoutingManager, request: SentRequest): readonly Way[] {
  const { stream, refused } = admit(manager, request);
  if (refused) return [answered(stream, refused, { share: 1, virtualHost: '', route: undefined })];
  const table = tableFor(stream, manager.findTable);
  const ways = [...sharesOf(manager, table, stream)].map(([route, share]) => wayOf(manager, request, route, share));
  return ways.sort((a, b) => b.share - a.share);
}

/** The request as the connection manager hands it to the routes, or its answer. */
function admit(
  { shaping }: RoutingManager,
  { client, destination, method, path, authority, headers }: SentRequest,
): { readonly stream: ShapedStream; readonly refused: LocalReply | undefined } {
  const head = new RequestHead();
  head.method = method;
  head.path = path;
  head.authority = authority;
  head.hasAuthority = true;
  for (const [name, value] of Object.entries(headers)) head.headers.add(name, value);
  const remote = { address: client, port: 0 };
  const info = new StreamInfo({ remote, directRemote: remote, local: destination });
  info.request = head;
  const stats = new StatsStore().scope().get(HTTP_STATS, '');
  const stream: ShapedStream = Object.assign(info, {
    head,
    internal: false,
    routable: true,
    upgrade: undefined,
    manager: { ...shaping, stats, runtime: new Runtime() },
  });
  return { stream, refused: admitRequest(stream) };
}

/** The routes that are found for one random number or another, each with the share of the numbers that find it. */
function sharesOf(
  { draws }: RoutingManager,
  table: RouteTable | undefined,
  stream: ShapedStream,
): ReadonlyMap<Route | undefined, number> {
  const find = (random: number) => (stream.routable ? table?.find(stream, random) : undefined);
  if (!draws) return new Map([[find(0), 1]]);
  const shares = new Map<Route | undefined, number>();
  for (let at = 0; at < SAMPLES; at++) {
    const spread = find(Math.imul(at, SPREAD) >>> 0);
    shares.set(spread, (shares.get(spread) ?? 0) + 1 / SAMPLES);
    const next = find(at);
    if (!shares.has(next)) shares.set(next, 0);
  }
  return shares;
}

function wayOf(manager: RoutingManager, request: SentRequest, route: Route | undefined, share: number): Way {
  const { stream } = admit(manager, request);
  const table = tableFor(stream, manager.findTable);
  const place = route && manager.placeOf(route);
  const way = {
    share,
    virtualHost: (route?.virtualHost ?? table?.virtualHost(stream))?.name ?? '',
    route: place && { path: place.path, match: (place.json['match'] ?? {}) as JsonObject },
  };
  if (!route) return answered(stream, { status: 404 }, way);
  const { action } = route;
  const { head } = stream;
  if (action.kind !== 'forward') {
    return answered(stream, directReply(route, head, stream, manager.keepsOriginal) ?? { status: 500 }, way);
  }
  const cluster = clusterOf(route, stream);
  const unsendable = finalizeRequest(route, action, head, stream, manager.keepsOriginal);
  if (unsendable) return answered(stream, unsendable, way);
  if (cluster === '') return answered(stream, { status: action.notFoundStatus }, way);
  return { ...way, cluster, reply: undefined, request: requestIn(head) };
}

function answered(
  { head }: ShapedStream,
  { status, headers = [] }: Pick<LocalReply, 'status' | 'headers'>,
  way: Pick<Way, 'share' | 'virtualHost' | 'route'>,
): Way {
  const location = headers.find(([name]) => name === 'location')?.[1];
  const reply = { status, ...(location !== undefined && { location }) };
  return { ...way, cluster: undefined, reply, request: requestIn(head) };
}

function requestIn({ method, path, authority, headers: map }: RequestHead): Way['request'] {
  const names = new Set(map.list().map(([name]) => name));
  const headers = Object.fromEntries([...names].map((name) => [name, map.joined(name) ?? '']));
  return { method, path, authority, headers };
}
