import { fail, ok, type Result } from '../../base/index.ts';
import type { PlannedPod } from '../cluster-view.ts';
import type { Backend } from '../services.ts';
import type { NodeContext } from './context.ts';
import { type Answered, type Asked, backendPlace, merged, type Place, part, partTo, requestOf } from './parts.ts';
import { backendsOf, matchText, placeIn, resourceOf, type TakenBy, writtenName } from './taken.ts';
import type { Cluster, Followed, Part, SentRequest, Step, Taken } from './types.ts';

export interface TakenQuestion {
  readonly world: Cluster;
  readonly taken: TakenBy;
  readonly called: Place['called'];
  /** What was judged before the listener got the connection. */
  readonly before: readonly Step[];
}

/** The ways of the question's request through the listener that has its connection, or why they cannot be told. */
export function takenParts(
  asked: Asked,
  source: PlannedPod,
  question: TakenQuestion,
): Result<Pick<Answered, 'parts' | 'warnings'>, string> {
  const { world, taken, before } = question;
  const context = asked.on(world, source.nodeName);
  const sent = sentRequest(asked, source, question);
  if (!sent) return fail('name a request with --http to follow its routes');
  if (!asked.follow) return fail('its routes are not followed here');
  const listener = context.plan.xds.listeners.get(taken.listener.resource.name) ?? {};
  const followed = asked.follow(listener, context.plan.xds.routes, sent);
  if (!followed.ok) return fail(`its routes cannot be followed: ${followed.error}`);
  const warnings: string[] = [];
  const parts = followed.value.ways.flatMap((way) => {
    const told = toldOf(taken, followed.value, way, sent);
    if (way.cluster === undefined) return [{ ...part('answer of the listener', before), taken: told }];
    return clusterParts(asked, source, question, { context, told, way, cluster: way.cluster, warnings });
  });
  return ok({ parts: merged(parts), warnings: [...filterWarnings(followed.value), ...warnings] });
}

function sentRequest(
  { question }: Asked,
  source: PlannedPod,
  { taken: { destination }, called }: TakenQuestion,
): SentRequest | undefined {
  const { protocol } = question;
  const packet = { source: source.address, destination: destination.address, protocol, port: called.port };
  const request = requestOf(question, packet, called);
  if (!request) return undefined;
  const { method = 'GET', path, authority = '', headers = {} } = request;
  return { client: source.address, destination, method, path, authority, headers };
}

type Way = Followed['ways'][number];

function toldOf({ how, listener, active }: TakenBy, { routes }: Followed, way: Way, sent: SentRequest): Taken {
  const table = routes === undefined ? listener : (resourceOf(active, 'route', routes) ?? listener);
  const { share, virtualHost, route, cluster, reply, request } = way;
  const { method, path, authority } = request;
  const isSame = method === sent.method && path === sent.path && authority === sent.authority;
  return {
    how,
    listener: writtenName(listener.candidate, listener.resource.name),
    by: placeIn(listener),
    ...(virtualHost !== '' && { virtualHost: writtenName(table.candidate, virtualHost) }),
    place: placeIn(table, route?.path),
    ...(route && { match: matchText(route.match) }),
    share,
    ...(cluster !== undefined && { cluster: writtenName(table.candidate, cluster) }),
    ...(reply && { reply }),
    ...(cluster !== undefined && !isSame && { becomes: { method, path, authority } }),
  };
}

interface ClusterWay {
  readonly context: NodeContext;
  readonly told: Taken;
  readonly way: Way;
  readonly cluster: string;
  readonly warnings: string[];
}

function clusterParts(
  asked: Asked,
  source: PlannedPod,
  { world, taken, called, before }: TakenQuestion,
  { context, told, way, cluster, warnings }: ClusterWay,
): readonly Part[] {
  const original = taken.how === 'rule' ? taken.destination : undefined;
  const backends = backendsOf(context, cluster, original);
  if (!backends) {
    warnings.push(
      `where cluster ${told.cluster} leads is known to the data plane alone: policy on its backends is not judged`,
    );
    return [{ ...part(`backends of cluster ${told.cluster}`, before), taken: told }];
  }
  if (backends.length === 0) {
    return [{ ...part(`cluster ${told.cluster} has no backends`, before), taken: { ...told, reply: { status: 503 } } }];
  }
  return backends.map((backend) => {
    const place = {
      ...backendPlace(context, backend, called),
      request: way.request,
      comesFrom: senderOf(context, taken),
    };
    const { title, steps } = partTo(asked, world, source, place);
    const isOriginal = original?.address === backend.address && original.port === backend.port;
    return { ...part(title, isOriginal ? steps : [...before, ...steps]), taken: told };
  });
}

/** Where the proxy's connections come from; undefined: from the client. */
function senderOf({ view }: NodeContext, { listener }: TakenBy): string | undefined {
  return listener.candidate.useOriginalSource ? undefined : view.node.address;
}

function filterWarnings({ filters }: Followed): readonly string[] {
  if (filters.length === 0) return [];
  return [
    `filters of the listener may answer or change the request before it is routed, which is not followed: ${filters.join(', ')}`,
  ];
}

/** The distinct backends of all clusters of the listener's configuration. */
export function backendsBehind(context: NodeContext, { listener }: TakenBy): readonly Backend[] {
  const clusters = listener.candidate.resources.filter(({ kind }) => kind === 'cluster');
  const led = clusters.flatMap(({ name }) => backendsOf(context, name) ?? []);
  return [...new Map(led.map((one) => [`${one.address}:${one.port}`, one])).values()];
}
