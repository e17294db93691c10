import { listenerConfigName } from '../envoy-json.ts';
import { originalDestinationCluster } from '../http-listeners.ts';
import type { JsonObject, ServiceRedirect } from '../node-plan.ts';
import type { PlannedService } from '../services.ts';
import { endpointNameOf, loadAssignment, parseBackendName } from './backends.ts';
import { type Candidate, type CandidateResource, listenerPort, type ResourceKind } from './candidate.ts';
import { takenFrontends } from './conflicts.ts';
import { injectCluster, injectListener } from './inject.ts';
import { needsPort } from './select.ts';
import { originalDestinations } from './tcp-clusters.ts';

export interface BuiltConfigs {
  readonly resources: Readonly<Record<ResourceKind, ReadonlyMap<string, JsonObject>>>;
  readonly redirects: readonly ServiceRedirect[];
}

export interface BuildOptions {
  /** Of listeners in the node's pool, by qualified name. */
  readonly ports: ReadonlyMap<string, number>;
  /** Listeners that policies send connections to. */
  readonly targets: ReadonlySet<string>;
  /** Those of them where some rule asks for a server name. */
  readonly namedTargets: ReadonlySet<string>;
  /** The body of what policy refuses; empty: Cilium's. */
  readonly deniedMessage: string;
}

/** `targets`: names of listeners that policy redirects to. The Envoy resources and redirects of configurations that hold together; listeners without a port are left out with their redirects. */
export function buildEnvoyConfigs(
  active: readonly Candidate[],
  services: ReadonlyMap<string, PlannedService>,
  options: BuildOptions,
): BuiltConfigs {
  const { ports } = options;
  const resources: Record<ResourceKind, Map<string, JsonObject>> = {
    listener: new Map(),
    route: new Map(),
    cluster: new Map(),
    endpoint: new Map(),
    secret: new Map(),
  };
  for (const candidate of active) {
    for (const resource of candidate.resources) {
      const value = builtResource(candidate, resource, options);
      if (value && !resources[resource.kind].has(resource.name)) resources[resource.kind].set(resource.name, value);
    }
    for (const { kind, name } of candidate.references) {
      if (kind === 'cluster' && originalDestinations.has(name)) {
        resources.cluster.set(name, originalDestinationCluster(name));
      }
    }
  }
  addAssignments(active, resources, services);
  return { resources, redirects: redirectsOf(active, ports, services) };
}

function builtResource(
  candidate: Candidate,
  { kind, name, value }: CandidateResource,
  { ports, targets, namedTargets, deniedMessage }: BuildOptions,
): JsonObject | undefined {
  const isTarget = targets.has(name);
  if (kind === 'cluster') return injectCluster(value);
  if (kind !== 'listener') return value;
  const { useOriginalSource, injectAll } = candidate;
  const names = namedTargets.has(name) ? listenerConfigName(name) : undefined;
  if (needsPort(value)) {
    const port = ports.get(name);
    return port === undefined
      ? undefined
      : injectListener(value, { port, useOriginalSource, visible: true, judged: isTarget, names, deniedMessage });
  }
  const taken = isTarget || candidate.redirects.some(({ target }) => target === name);
  const port = taken ? listenerPort(value) : undefined;
  const injected = injectListener(value, {
    ...(port !== undefined && { port }),
    useOriginalSource,
    visible: injectAll || isTarget,
    judged: isTarget,
    names,
    deniedMessage,
  });
  return { ...injected, ...(value['address'] !== undefined && { address: value['address'] }) };
}

/** Endpoints of every listed Service under the names that clusters may ask for, and of those that clusters do ask for. */
function addAssignments(
  active: readonly Candidate[],
  resources: Readonly<Record<ResourceKind, Map<string, JsonObject>>>,
  services: ReadonlyMap<string, PlannedService>,
): void {
  const names = new Set<string>();
  for (const { config } of active) {
    const listed = [...config.services, ...config.backendServices];
    for (const { namespace, name, ports } of listed) {
      const service = `${namespace}/${name}`;
      if (ports.length === 0) names.add(service).add(`${service}:*`);
      for (const port of ports) names.add(`${service}:${port}`);
    }
  }
  for (const cluster of resources.cluster.values()) {
    const name = endpointNameOf(cluster);
    if (name !== undefined) names.add(name);
  }
  for (const name of [...names].sort()) {
    const backend = parseBackendName(name);
    if (!backend || resources.endpoint.has(name)) continue;
    resources.endpoint.set(name, loadAssignment(name, services.get(backend.service), backend.port));
  }
}

function redirectsOf(
  active: readonly Candidate[],
  ports: ReadonlyMap<string, number>,
  services: ReadonlyMap<string, PlannedService>,
): readonly ServiceRedirect[] {
  const redirects = new Map<string, ServiceRedirect>();
  for (const candidate of active) {
    const own = new Map(candidate.resources.map((resource) => [resource.name, resource]));
    for (const redirect of candidate.redirects) {
      const listener = own.get(redirect.target);
      const proxyPort =
        listener && (needsPort(listener.value) ? ports.get(listener.name) : listenerPort(listener.value));
      if (proxyPort === undefined) continue;
      for (const frontend of takenFrontends(redirect, services)) {
        const key = `${frontend.address}:${frontend.port}`;
        if (!redirects.has(key)) redirects.set(key, { ...frontend, proxyPort });
      }
    }
  }
  return [...redirects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, redirect]) => redirect);
}
