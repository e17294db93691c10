import type { FlowFilter } from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';
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
  if (!name.includes('/')) return namespaces.map((namespace) => `${namespace}/${name}`);
  const own = name.slice(0, name.indexOf('/'));
  if (!namespaces.includes('') && !namespaces.includes(own)) {
    const known = namespaces.map((namespace) => JSON.stringify(namespace)).join(', ');
    throw new Fault(`namespace conflict: ${known} does not contain ${JSON.stringify(name)}`);
  }
  return [name];
}
