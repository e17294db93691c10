import { parseIp } from '../../base/index.ts';
import { nodeLabels } from '../cluster-view.ts';
import type { Candidate, CandidateResource } from '../envoy-config/candidate.ts';
import { isHttpConnectionManager } from '../envoy-config/inject.ts';
import { selectEnvoyConfigs } from '../envoy-config/select.ts';
import { policyListener } from '../http-listeners.ts';
import { isHttpListener } from '../interception.ts';
import type { JsonObject, JsonValue } from '../node-plan.ts';
import type { Backend } from '../services.ts';
import { clusterBackends } from '../verdicts/clusters.ts';
import { list, record } from '../verdicts/json.ts';
import { judgePacket, type Packet } from '../verdicts/packet.ts';
import type { NodeContext } from './context.ts';
import type { Taken } from './types.ts';

/** A resource of a configuration, and the configuration. */
export interface OwnedResource {
  readonly candidate: Candidate;
  readonly resource: CandidateResource;
}

/** A listener of an Envoy configuration to which the sender's node leads connections. */
export interface TakenBy {
  /** The configuration takes a Service over, or a policy's rule names the listener. */
  readonly how: Taken['how'];
  readonly listener: OwnedResource;
  /** Where the client connects to. */
  readonly destination: Backend;
  /** The configurations in force, whose resources one another may use. */
  readonly active: readonly Candidate[];
}

/** Who takes connections to these frontends of a Service. */
export function takenFrontend(context: NodeContext, frontends: readonly Backend[]): TakenBy | undefined {
  const redirect = context.plan.datapath.serviceRedirects.find((one) =>
    frontends.some(({ address, port }) => address === one.address && port === one.port),
  );
  if (!redirect) return undefined;
  return takenBy(context, 'service', redirect.listener, { address: redirect.address, port: redirect.port });
}

const ownListeners: ReadonlySet<string> = new Set(Object.values(policyListener));

function isOwnListener(name: string): boolean {
  return ownListeners.has(name) || isHttpListener(name, 'egress');
}

/** To which listener the sender's rules lead the packet, where it is one of a configuration that takes HTTP: TCP goes on to where it was going. */
export function ledTo(context: NodeContext, packet: Packet): TakenBy | undefined {
  const { verdict } = judgePacket(context.plan, packet, 'egress');
  if (verdict.kind !== 'redirect' || isOwnListener(verdict.listener)) return undefined;
  const taken = takenBy(context, 'rule', verdict.listener, { address: packet.destination, port: packet.port });
  return taken && takesHttp(taken.listener.resource.value) ? taken : undefined;
}

function takesHttp(listener: JsonObject): boolean {
  return [...list(listener['filter_chains']), record(listener['default_filter_chain'])].some((chain) =>
    list(chain['filters']).some((filter) => isHttpConnectionManager(record(filter['typed_config']))),
  );
}

function takenBy(context: NodeContext, how: TakenBy['how'], name: string, destination: Backend): TakenBy | undefined {
  const { active } = selectEnvoyConfigs(context.world, nodeLabels(context.world), context.services);
  const listener = resourceOf(active, 'listener', name);
  return listener && { how, listener, destination, active };
}

export function resourceOf(
  active: readonly Candidate[],
  kind: CandidateResource['kind'],
  name: string,
): OwnedResource | undefined {
  for (const candidate of active) {
    const resource = candidate.resources.find((one) => one.kind === kind && one.name === name);
    if (resource) return { candidate, resource };
  }
  return undefined;
}

/** A field of a resource as the configuration's user finds it. */
export function placeIn({ candidate: { config }, resource }: OwnedResource, path = ''): Taken['place'] {
  const { kind, namespace, name } = config;
  return {
    kind,
    ...(namespace !== undefined && { namespace }),
    name,
    path: path === '' ? resource.path : `${resource.path}.${path}`,
  };
}

/** The name of a resource as the configuration writes it. */
export function writtenName({ config: { namespace = '', name: config } }: Candidate, name: string): string {
  const own = `${namespace}/${config}/`;
  return name.startsWith(own) ? name.slice(own.length) : name;
}

/** Where a cluster leads connections that were going to `destination`: undefined where only the data plane knows. */
export function backendsOf(
  context: NodeContext,
  cluster: string,
  destination?: Backend,
): readonly Backend[] | undefined {
  const resource = context.plan.xds.clusters.get(cluster);
  const type = resource?.['type'];
  if (type === 'EDS') return clusterBackends(context.plan, cluster);
  if (type === 'ORIGINAL_DST') return destination && [destination];
  if (type !== undefined && type !== 'STATIC') return undefined;
  return list(record(resource?.['load_assignment'])['endpoints']).flatMap((locality) =>
    list(locality['lb_endpoints']).flatMap((host) => {
      const socket = record(record(record(host['endpoint'])['address'])['socket_address']);
      const address = String(socket['address']);
      return parseIp(address) ? [{ address, port: Number(socket['port_value']) }] : [];
    }),
  );
}

/** What of a route's match tells it from others. */
export function matchText(match: JsonObject): string {
  const conditions = Object.entries(match).filter(([, value]) => !isNothing(value));
  return conditions.map(([key, value]) => conditionText(key, value)).join(', ') || 'everything';
}

function conditionText(key: string, value: JsonValue): string {
  if (typeof value === 'string') return `${key} ${value}`;
  if (key === 'safe_regex') return `${key} ${String(record(value)['regex'])}`;
  if (key === 'headers' || key === 'query_parameters') {
    return `${key} ${list(value)
      .map(({ name }) => String(name))
      .join(' ')}`;
  }
  return key;
}

function isNothing(value: JsonValue): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}
