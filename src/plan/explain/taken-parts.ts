import type { PlannedPod } from '../cluster-view.ts';
import type { Backend } from '../services.ts';
import type { NodeContext } from './context.ts';
import { Unanswerable } from './ends.ts';
import { type Answered, type Asked, backendPlace, merged, type Place, part, partTo, requestOf } from './parts.ts';
import { backendsOf, matchText, placeIn, resourceOf, type TakenPort, writtenName } from './taken.ts';
import type { Followed, Part, SentRequest, Taken } from './types.ts';

interface TakenQuestion {
  readonly taken: TakenPort;
  readonly called: Place['called'];
  /** The Service's own. */
  readonly backends: readonly Backend[];
}

/** The ways of a request to a Service that an Envoy configuration has taken over; without a request, what is known of all backends. */
export function takenParts(
  asked: Asked,
  context: NodeContext,
  source: PlannedPod,
  question: TakenQuestion,
): Pick<Answered, 'parts' | 'warnings'> {
  const { taken, called } = question;
  const sent = sentRequest(asked, source, taken, called);
  if (!sent) return unfollowed(asked, context, source, question, 'name a request with --http to follow its routes');
  if (!asked.follow) return unfollowed(asked, context, source, question, 'its routes are not followed here');
  const listener = context.plan.xds.listeners.get(taken.redirect.listener) ?? {};
  const followed = asked.follow(listener, context.plan.xds.routes, sent);
  if (!followed.ok) {
    return unfollowed(asked, context, source, question, `its routes cannot be followed: ${followed.error}`);
  }
  const warnings: string[] = [];
  const parts = followed.value.ways.flatMap((way) => {
    const told = takenBy(taken, followed.value, way, sent);
    if (way.cluster === undefined) return [{ ...part('answer of the listener', []), taken: told }];
    return clusterParts(asked, context, source, { taken, called, told, cluster: way.cluster, way, warnings });
  });
  return { parts: merged(parts), warnings: [...filterWarnings(followed.value), ...warnings] };
}

function sentRequest(
  { question }: Asked,
  source: PlannedPod,
  { redirect }: TakenPort,
  called: Place['called'],
): SentRequest | undefined {
  const packet = {
    source: source.address,
    destination: redirect.address,
    protocol: question.protocol,
    port: called.port,
  };
  const request = requestOf(question, packet, called);
  if (!request) return undefined;
  const { method = 'GET', path, authority = '', headers = {} } = request;
  const destination = { address: redirect.address, port: redirect.port };
  return { client: source.address, destination, method, path, authority, headers };
}

type Way = Followed['ways'][number];

function takenBy({ listener, active }: TakenPort, { routes }: Followed, way: Way, sent: SentRequest): Taken {
  const table = routes === undefined ? listener : (resourceOf(active, 'route', routes) ?? listener);
  const { share, virtualHost, route, cluster, reply, request } = way;
  const { method, path, authority } = request;
  const isSame = method === sent.method && path === sent.path && authority === sent.authority;
  return {
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
  readonly taken: TakenPort;
  readonly called: Place['called'];
  readonly told: Taken;
  readonly cluster: string;
  readonly way: Way;
  readonly warnings: string[];
}

function clusterParts(
  asked: Asked,
  context: NodeContext,
  source: PlannedPod,
  { taken, called, told, cluster, way, warnings }: ClusterWay,
): readonly Part[] {
  const backends = backendsOf(context, cluster);
  if (!backends) {
    warnings.push(
      `where cluster ${told.cluster} leads is known to the data plane alone: policy on its backends is not judged`,
    );
    return [{ ...part(`backends of cluster ${told.cluster}`, []), taken: told }];
  }
  if (backends.length === 0) {
    return [{ ...part(`cluster ${told.cluster} has no backends`, []), taken: { ...told, reply: { status: 503 } } }];
  }
  return backends.map((backend) => {
    const place = {
      ...backendPlace(context, backend, called),
      request: way.request,
      comesFrom: senderOf(context, taken),
    };
    return { ...partTo(asked, asked.cluster, source, place), taken: told };
  });
}

/** Where the proxy's connections come from; undefined: from the client. */
function senderOf({ view }: NodeContext, { listener }: TakenPort): string | undefined {
  return listener.candidate.useOriginalSource ? undefined : view.node.address;
}

function filterWarnings({ filters }: Followed): readonly string[] {
  if (filters.length === 0) return [];
  return [
    `filters of the listener may answer or change the request before it is routed, which is not followed: ${filters.join(', ')}`,
  ];
}

/** All backends that the configuration's clusters have, judged as the client's request comes. */
function unfollowed(
  asked: Asked,
  context: NodeContext,
  source: PlannedPod,
  { taken, called, backends: own }: TakenQuestion,
  why: string,
): Pick<Answered, 'parts' | 'warnings'> {
  const { config, resources } = taken.listener.candidate;
  const clusters = resources.filter(({ kind }) => kind === 'cluster');
  const led = clusters.flatMap(({ name }) => backendsOf(context, name) ?? []);
  const distinct = new Map((led.length > 0 ? led : own).map((one) => [`${one.address}:${one.port}`, one]));
  const name = config.namespace === undefined ? config.name : `${config.namespace}/${config.name}`;
  if (distinct.size === 0) throw new Unanswerable(`the clusters of ${config.kind} ${name} have no backends`);
  const places = [...distinct.values()].map((backend) => backendPlace(context, backend, called));
  return {
    parts: merged(places.map((place) => partTo(asked, asked.cluster, source, place))),
    warnings: [
      `${config.kind} ${name} takes this port over: its routes choose among its backends and may rewrite the request; policy judges the request as it ` +
        `leaves for the backend; ${why}`,
    ],
  };
}
