import type { KubernetesObject } from '../../store.ts';
import type { ObjectShape } from '../schema/shape.ts';
import type { JsonSchema } from '../schema/structural.ts';

/** One column of a server-side table; `priority` above 0 shows only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly priority: number;
  readonly description: string;
  readonly cell: (object: KubernetesObject, now: number) => string | number | boolean | null;
}

export interface ServedVersion {
  readonly version: string;
  readonly shape: ObjectShape;
  /** Present for custom resources whose CRD has a schema. */
  readonly schema?: JsonSchema;
  readonly columns: readonly Column[];
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
  readonly selectableFields: readonly string[];
  readonly deprecationWarning?: string;
}

/** A kind of object the server keeps. */
export interface ResourceDefinition {
  /** `plural` or `plural.group`: the name `ObjectStore` uses. */
  readonly key: string;
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Subresources besides `status` and `scale`. */
  readonly subresources: readonly string[];
  readonly storageVersion: string;
  readonly versions: readonly ServedVersion[];
  readonly custom: boolean;
  /** The resource whose objects this one shows in another form (events.k8s.io shows core events). */
  readonly storedAs?: string;
  /** Objects that are answered and never kept, such as access reviews: they only know POST. */
  readonly ephemeral: boolean;
}

export function resourceKey(group: string, plural: string): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Splits `group/version`; the core group is the empty string. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Stable versions first, then beta, then alpha, the higher number first: the order of Kubernetes' discovery. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!match) return [3, 0, 0];
    const stage = match[2] === undefined ? 0 : match[2] === 'beta' ? 1 : 2;
    return [stage, -Number(match[1]), -Number(match[3] ?? 0)];
  };
  const left = rank(a);
  const right = rank(b);
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
