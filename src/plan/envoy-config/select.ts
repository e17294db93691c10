import { type Labels, selectorMatches } from '../../base/index.ts';
import { compareText } from '../cluster-view.ts';
import type { JsonObject, ObjectReport } from '../node-plan.ts';
import { isRefused, type NamedObject, namedObjects, sameVersion } from '../objects.ts';
import type { PlannedService } from '../services.ts';
import type { World } from '../world.ts';
import { loadAssignment } from './backends.ts';
import { type Candidate, type CandidateResource, candidateOf, listenerPort } from './candidate.ts';
import { conditionReports, type Problem } from './conditions.ts';
import { claimConflict, createClaims } from './conflicts.ts';
import { type KubernetesSecrets, kubernetesSecrets } from './kubernetes-secrets.ts';
import { definitionKey, referenceProblem, secretProblem, serviceProblem, servicesOf } from './problems.ts';

/** The configurations that act on this node, oldest first, and what there is to say about all of them. */
export interface SelectedConfigs {
  readonly active: readonly Candidate[];
  readonly reports: readonly ObjectReport[];
  /** Secrets of Kubernetes that these use, as Envoy takes them, by name. */
  readonly secrets: ReadonlyMap<string, JsonObject>;
  /** The objects behind `active` and `secrets`, by `Kind/namespace/name`. */
  readonly lastGood: ReadonlyMap<string, unknown>;
  /** The names of the resources of each of `active`, by the same key. */
  readonly resourceNames: ReadonlyMap<string, readonly string[]>;
  /** Listeners that need a port of the node's pool. */
  readonly portNames: readonly string[];
  /** Ports that listeners with their own address use. */
  readonly reservedPorts: ReadonlySet<number>;
}

interface Entry {
  readonly object: NamedObject;
  /** What is tried: the object as it is, else as it was when it last worked. */
  readonly raw: unknown;
  readonly candidate: Candidate;
}

const switchedOff: Problem = {
  reason: 'Disabled',
  faults: [
    'Envoy configurations are switched off (enable-envoy-config in kube-system/cilium-config): nothing of it is applied',
  ],
};

/**
 * Chooses the configurations that can work whole. One that cannot is replaced by its version before, when that one can, and
 * is left out otherwise. Of two that want the same name or frontend the older one gets it.
 */
export function selectEnvoyConfigs(
  world: World,
  nodeLabels: Labels,
  services: ReadonlyMap<string, PlannedService>,
): SelectedConfigs {
  const objects = [...namedObjects(world.envoyConfigs)].sort((a, b) => compareText(a.created, b.created));
  if (!world.config.enableEnvoyConfig) return nothing(objects);
  const problems = new Map<NamedObject, Problem>();
  const entries = objects.flatMap((object) => firstVersion(object, world, problems));
  const here = entries.filter(({ candidate }) => isForNode(candidate, nodeLabels));
  const secrets = kubernetesSecrets(world);
  const active = workable(here, world, { services, secrets }, problems);
  for (const { object, candidate } of active) {
    const problem = problems.has(object) ? undefined : secretProblem(candidate, secrets);
    if (problem) problems.set(object, problem);
  }
  const used = active.flatMap(({ candidate }) => candidate.references.flatMap((one) => secrets.find(one) ?? []));
  const inForce = new Map(active.map((entry) => [entry.object, entry]));
  return {
    active: active.map(({ candidate }) => candidate),
    reports: objects.flatMap((object) => {
      const entry = inForce.get(object);
      const problem = problems.get(object);
      // What another node runs, that node reports on.
      if (!entry && !problem) return [];
      const withoutBackends = entry ? emptyServices(entry.candidate, services) : [];
      return conditionReports(object, problem, {
        kept: entry !== undefined && problem !== undefined,
        withoutBackends,
        done: entry ? describe(entry.candidate) : '',
      });
    }),
    lastGood: new Map<string, unknown>([
      ...active.map(({ object, raw }) => [object.key, raw] as const),
      ...used.flatMap(({ key, used: one }) => (one ? [[key, one.secret] as const] : [])),
    ]),
    secrets: new Map(used.flatMap(({ used: one }) => (one ? [[String(one.resource['name']), one.resource]] : []))),
    resourceNames: new Map(
      active.map(({ object, candidate }) => [object.key, candidate.resources.map(({ name }) => name)]),
    ),
    ...listenerPorts(active),
  };
}

function nothing(objects: readonly NamedObject[]): SelectedConfigs {
  const state = { kept: false, withoutBackends: [], done: '' };
  return {
    active: [],
    reports: objects.flatMap((object) => conditionReports(object, switchedOff, state)),
    lastGood: new Map(),
    secrets: new Map(),
    resourceNames: new Map(),
    portNames: [],
    reservedPorts: new Set(),
  };
}

function firstVersion(object: NamedObject, world: World, problems: Map<NamedObject, Problem>): readonly Entry[] {
  const refusal = world.refused?.get(object.key);
  if (isRefused(object, refusal)) {
    problems.set(object, { reason: 'Refused', faults: [`the data plane refuses it: ${refusal.message}`] });
    return versionBefore(object, object.raw, world);
  }
  const result = candidateOf(object.raw);
  if (result.ok) return [{ object, raw: object.raw, candidate: result.candidate }];
  problems.set(object, { reason: 'Invalid', faults: result.faults });
  return versionBefore(object, object.raw, world);
}

/** The version that worked last, unless it is the one just tried. */
function versionBefore(object: NamedObject, tried: unknown, world: World): readonly Entry[] {
  const raw = world.lastGood?.get(object.key);
  if (raw === undefined || raw === tried || sameVersion(raw, tried)) return [];
  const result = candidateOf(raw);
  return result.ok ? [{ object, raw, candidate: result.candidate }] : [];
}

function isForNode({ config }: Candidate, labels: Labels): boolean {
  return config.nodeSelector === undefined || selectorMatches(config.nodeSelector, labels);
}

/** What of the cluster configurations refer to. */
interface Surroundings {
  readonly services: ReadonlyMap<string, PlannedService>;
  readonly secrets: KubernetesSecrets;
}

/** Takes away, round by round, what cannot work without what was taken away before, until the rest holds together. */
function workable(
  entries: readonly Entry[],
  world: World,
  surroundings: Surroundings,
  problems: Map<NamedObject, Problem>,
): readonly Entry[] {
  let rest = entries;
  for (;;) {
    const faulty = faultyEntries(rest, surroundings);
    if (faulty.size === 0) return rest;
    rest = rest.flatMap((entry) => {
      const problem = faulty.get(entry);
      if (!problem) return [entry];
      // A version before that does not work either says nothing about the object as it is now.
      if (entry.raw !== entry.object.raw) return [];
      problems.set(entry.object, problem);
      return versionBefore(entry.object, entry.raw, world);
    });
  }
}

/** References first: a conflict counts only between configurations that could work otherwise. */
function faultyEntries(entries: readonly Entry[], { services, secrets }: Surroundings): ReadonlyMap<Entry, Problem> {
  const definitions = new Map<string, CandidateResource>();
  for (const { candidate } of entries) {
    for (const resource of candidate.resources) definitions.set(definitionKey(resource), resource);
  }
  const listed = new Set(entries.flatMap(({ candidate }) => servicesOf(candidate)));
  const faulty = new Map<Entry, Problem>();
  for (const entry of entries) {
    const problem =
      serviceProblem(entry.candidate, services) ??
      referenceProblem(entry.candidate, definitions, listed, { services, secrets });
    if (problem) faulty.set(entry, problem);
  }
  if (faulty.size > 0) return faulty;
  const claims = createClaims();
  for (const entry of entries) {
    const problem = claimConflict(claims, entry.object, entry.candidate, services);
    if (problem) faulty.set(entry, problem);
  }
  return faulty;
}

function emptyServices(candidate: Candidate, services: ReadonlyMap<string, PlannedService>): readonly string[] {
  const names = [...new Set(servicesOf(candidate))].sort();
  return names.filter((name) => {
    const { endpoints } = loadAssignment(name, services.get(name), undefined);
    return !Array.isArray(endpoints) || endpoints.length === 0;
  });
}

function describe({ redirects, resources }: Candidate): string {
  if (redirects.length === 0) return `${resources.length} Envoy resources are in force; no Service is taken over`;
  const taken = redirects.map(({ namespace, name, target }) => `${namespace}/${name} by ${target}`);
  return `taken over: ${taken.join(', ')}`;
}

function listenerPorts(entries: readonly Entry[]): Pick<SelectedConfigs, 'portNames' | 'reservedPorts'> {
  const listeners = entries.flatMap(({ candidate }) => candidate.resources.filter(({ kind }) => kind === 'listener'));
  return {
    portNames: listeners.filter(({ value }) => needsPort(value)).map(({ name }) => name),
    reservedPorts: new Set(listeners.flatMap(({ value }) => listenerPort(value) ?? [])),
  };
}

/** Whether the user left the address to the node. */
export function needsPort(listener: CandidateResource['value']): boolean {
  return !['address', 'internal_listener', 'api_listener'].some((field) => listener[field] !== undefined);
}
