import type { FlowFilter } from '../../model/flow/index.ts';
import { FlagFault } from './fault.ts';
import type { FilterSet } from './filter-set.ts';

/** Values of the namespace flags; `''` stands for all namespaces. */
export interface NamespaceFlags {
  readonly both: string[];
  readonly from: string[];
  readonly to: string[];
}

type PodField = 'source_pod' | 'destination_pod' | 'source_service' | 'destination_service';

/**
 * Puts the namespaces in front of the names that have none. A side for which only a namespace was given selects every
 * pod of it.
 */
export function applyNamespaces(set: FilterSet): void {
  const { both, from, to } = set.namespaces;
  if (both.length > 0) {
    qualify(set.left, 'source', both);
    qualify(set.right, 'destination', both);
  }
  for (const filter of [set.left, set.right]) {
    if (from.length > 0) qualify(filter, 'source', from);
    if (to.length > 0) qualify(filter, 'destination', to);
  }
}

function qualify(filter: FlowFilter, side: 'source' | 'destination', namespaces: readonly string[]): void {
  const pod: PodField = `${side}_pod`;
  const service: PodField = `${side}_service`;
  if (!filter[pod] && !filter[service]) {
    filter[pod] = namespaces.map((namespace) => `${namespace}/`);
    return;
  }
  for (const field of [pod, service]) {
    const names = filter[field];
    if (names) filter[field] = names.flatMap((name) => qualified(name, namespaces));
  }
}

function qualified(name: string, namespaces: readonly string[]): string[] {
  return name.includes('/') ? [name] : namespaces.map((namespace) => `${namespace}/${name}`);
}

/** Faults names that can match nothing: of another namespace than asked for, or a pod and a Service of different ones. */
export function checkNamespaces({ left, right, namespaces: { both, from, to } }: FilterSet): void {
  for (const filter of [left, right]) {
    const { source_pod: sourcePods = [], source_service: sourceServices = [] } = filter;
    const { destination_pod: destinationPods = [], destination_service: destinationServices = [] } = filter;
    const source = [...sourcePods, ...sourceServices];
    const destination = [...destinationPods, ...destinationServices];
    checkConflict(both, [...source, ...destination]);
    checkConflict(from, source);
    checkConflict(to, destination);
    checkServices(sourcePods, sourceServices);
    checkServices(destinationPods, destinationServices);
  }
}

function checkConflict(namespaces: readonly string[], names: readonly string[]): void {
  for (const namespace of namespaces) {
    for (const name of names) {
      const own = namespaceOf(name);
      if (own === '' || own === namespace) continue;
      throw new FlagFault(`namespace conflict: ${JSON.stringify(namespace)} does not contain ${JSON.stringify(name)}`);
    }
  }
}

function checkServices(pods: readonly string[], services: readonly string[]): void {
  for (const pod of pods) {
    const namespace = namespaceOf(pod);
    const other = namespace === '' ? undefined : services.find((service) => namespaceOf(service) !== namespace);
    if (other === undefined) continue;
    throw new FlagFault(`namespace of service ${JSON.stringify(other)} conflict with pod ${JSON.stringify(namespace)}`);
  }
}

function namespaceOf(name: string): string {
  const slash = name.indexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}
