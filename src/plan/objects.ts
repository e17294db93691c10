import { compareText } from './cluster-view.ts';
import type { Refusal } from './world.ts';

/** A Kubernetes object with what identifies it; the rest is undecoded. */
export interface NamedObject {
  /** `Kind/namespace/name`, the namespace empty where there is none. */
  readonly key: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly created: string;
  readonly raw: unknown;
}

/** The objects that have a kind and a name, once each, sorted by key. Others cannot be reported on and cannot exist in an API server. */
export function namedObjects(objects: readonly unknown[]): readonly NamedObject[] {
  const byKey = new Map<string, NamedObject>();
  for (const raw of objects) {
    const metadata = fieldOf(raw, 'metadata');
    const [kind, name] = [fieldOf(raw, 'kind'), fieldOf(metadata, 'name')];
    if (typeof kind !== 'string' || typeof name !== 'string') continue;
    const [namespace, created] = [fieldOf(metadata, 'namespace'), fieldOf(metadata, 'creationTimestamp')];
    const owner = typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
    const key = `${kind}/${owner ?? ''}/${name}`;
    const object = {
      key,
      kind,
      ...(owner !== undefined && { namespace: owner }),
      name,
      created: plainText(created),
      raw,
    };
    const known = byKey.get(key);
    if (!known || versionOf(known.raw) < versionOf(raw)) byKey.set(key, object);
  }
  return [...byKey.values()].sort((a, b) => compareText(a.key, b.key));
}

/** Decides between two copies of one object, whatever order they come in. */
function versionOf(raw: unknown): string {
  return `${plainText(fieldOf(raw, 'apiVersion'))} ${plainText(fieldOf(fieldOf(raw, 'metadata'), 'resourceVersion'))}`;
}

/** An object of a manifest may have a `toString` of its own, which is no function. */
function plainText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whether the data plane refused just this version; a changed status makes no new version. */
export function isRefused({ raw }: NamedObject, refusal: Refusal | undefined): refusal is Refusal {
  const metadata = fieldOf(raw, 'metadata');
  return (
    refusal !== undefined &&
    fieldOf(metadata, 'uid') === refusal.uid &&
    fieldOf(metadata, 'generation') === refusal.generation
  );
}

/** Whether two copies of an object are of one version: a changed status makes no new one. */
export function sameVersion(a: unknown, b: unknown): boolean {
  const [one, other] = [fieldOf(a, 'metadata'), fieldOf(b, 'metadata')];
  const generation = fieldOf(one, 'generation');
  return (
    generation !== undefined &&
    generation === fieldOf(other, 'generation') &&
    fieldOf(one, 'uid') === fieldOf(other, 'uid')
  );
}

const shownFaults = 5;

/** The first faults in one line, how many more there are, and whether the object's version before stays in force. */
export function summary(faults: readonly string[], kept: boolean): string {
  const more = faults.length > shownFaults ? [`and ${faults.length - shownFaults} more`] : [];
  const rest = kept ? ['the version before stays in force'] : [];
  return [...faults.slice(0, shownFaults), ...more, ...rest].join('; ');
}

export function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}
