import type { NamedObject } from '../objects.ts';
import type { PlannedService } from '../services.ts';
import type { Candidate, CandidateRedirect } from './candidate.ts';
import type { Problem } from './conditions.ts';
import { definitionKey } from './problems.ts';

/** Who has which resource name and which Service frontend; filled oldest configuration first. */
export interface Claims {
  readonly resources: Map<string, { readonly owner: NamedObject; readonly text: string }>;
  readonly frontends: Map<string, NamedObject>;
}

export function createClaims(): Claims {
  return { resources: new Map(), frontends: new Map() };
}

/** A frontend of a Service that a redirect takes over. */
export interface TakenFrontend {
  readonly address: string;
  readonly port: number;
  readonly listener: string;
}

/** The frontends of a redirect's TCP ports. */
export function takenFrontends(
  { namespace, name, ports, target }: CandidateRedirect,
  services: ReadonlyMap<string, PlannedService>,
): readonly TakenFrontend[] {
  const service = services.get(`${namespace}/${name}`);
  const taken = (service?.ports ?? []).filter(({ protocol, number }) => {
    return protocol === 'tcp' && (ports.length === 0 || ports.includes(number));
  });
  return taken.flatMap(({ frontends }) => frontends.map(({ address, port }) => ({ address, port, listener: target })));
}

/**
 * Claims everything that the configuration defines and redirects, or says what an older one has already and claims nothing.
 * The same resource with the same content may be in several configurations.
 */
export function claimConflict(
  claims: Claims,
  owner: NamedObject,
  candidate: Candidate,
  services: ReadonlyMap<string, PlannedService>,
): Problem | undefined {
  const faults: string[] = [];
  const resources = candidate.resources.map((resource) => {
    return { key: definitionKey(resource), resource, text: JSON.stringify(resource.value) };
  });
  for (const { key, resource, text } of resources) {
    const holder = claims.resources.get(key);
    if (holder && holder.text !== text) {
      faults.push(
        `${resource.path}: ${resource.kind} "${resource.name}" is defined otherwise by ${label(holder.owner)}`,
      );
    }
  }
  const taken = candidate.redirects.map((redirect) => ({ redirect, frontends: takenFrontends(redirect, services) }));
  for (const { redirect, frontends } of taken) {
    const holder = frontends.map(({ address, port }) => claims.frontends.get(`${address}:${port}`)).find((one) => one);
    if (holder) {
      const { fieldPath, namespace, name } = redirect;
      faults.push(`${fieldPath}: Service ${namespace}/${name} is taken over by ${label(holder)}`);
    }
  }
  if (faults.length > 0) return { reason: 'Conflict', faults };
  for (const { key, text } of resources) if (!claims.resources.has(key)) claims.resources.set(key, { owner, text });
  for (const { frontends } of taken) {
    for (const { address, port } of frontends) claims.frontends.set(`${address}:${port}`, owner);
  }
  return undefined;
}

function label({ kind, namespace, name }: NamedObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}, which is older`;
}
