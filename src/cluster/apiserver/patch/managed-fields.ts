import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectMeta } from '../../store.ts';
import { isRecord, listAt, type Shape, stringAt } from '../schema/shape.ts';
import { changedFields, type FieldSet, fieldSetOf, isEmptySet, subtract, union } from './field-set.ts';

/** One entry of `metadata.managedFields`. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time: string;
  readonly subresource: string;
  readonly fields: FieldSet;
}

/** Who writes, for ownership of fields. */
export interface Author {
  readonly manager: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly subresource: string;
}

const MAX_MANAGERS = 64;

export function readManagers(object: KubernetesObject | undefined): readonly ManagedEntry[] {
  return listAt(object, 'metadata', 'managedFields').flatMap((entry) => {
    if (!isRecord(entry) || !isRecord(entry['fieldsV1'])) return [];
    return [
      {
        manager: stringAt(entry, 'manager') ?? 'unknown',
        operation: entry['operation'] === 'Apply' ? ('Apply' as const) : ('Update' as const),
        apiVersion: stringAt(entry, 'apiVersion') ?? '',
        time: stringAt(entry, 'time') ?? '',
        subresource: stringAt(entry, 'subresource') ?? '',
        fields: entry['fieldsV1'] as FieldSet,
      },
    ];
  });
}

/** The object with its managers written into its metadata. An entry that is as it was in `before` keeps its time, so that writing the same again is no change. */
export function withManagers(
  object: KubernetesObject,
  managers: readonly ManagedEntry[],
  before: readonly ManagedEntry[],
): KubernetesObject {
  const entries = managers
    .map((entry) => before.find((old) => isDeepStrictEqual({ ...old, time: '' }, { ...entry, time: '' })) ?? entry)
    .filter(({ fields }) => !isEmptySet(fields))
    .slice(-MAX_MANAGERS)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource === '' ? {} : { subresource }),
    }));
  const { managedFields: _old, ...rest } = object.metadata as ObjectMeta & { managedFields?: unknown };
  return { ...object, metadata: { ...rest, ...(entries.length > 0 ? { managedFields: entries } : {}) } };
}

export function sameManager(entry: ManagedEntry, author: Author, operation: 'Apply' | 'Update'): boolean {
  return entry.manager === author.manager && entry.operation === operation && entry.subresource === author.subresource;
}

/** Records who changed what in a create, replace or patch: the author owns what differs, and others no longer do. */
export function recordUpdate(
  shape: Shape,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  author: Author,
): KubernetesObject {
  const given = listAt(object, 'metadata', 'managedFields');
  // Clients may hand back entries they changed (kubectl moves ownership that way), or none at all to keep them.
  const managers = readManagers(given.length > 0 ? object : old);
  const after = fieldSetOf(shape, object);
  const changed = old ? changedFields(shape, ownable(old), ownable(object)) : after;
  const dropped = old ? subtract(fieldSetOf(shape, old), after) : {};
  if (!changed && isEmptySet(dropped)) return withManagers(object, managers, managers);
  const mine = changed ?? {};
  const others = managers
    .filter((entry) => !sameManager(entry, author, 'Update'))
    .map((entry) => ({ ...entry, fields: subtract(subtract(entry.fields, mine), dropped) }));
  const own = managers.find((entry) => sameManager(entry, author, 'Update'));
  const fields = union(subtract(own?.fields ?? {}, dropped), mine);
  return withManagers(object, [...others, { ...author, operation: 'Update', fields }], managers);
}

/** Only what can have an owner, so that server-set metadata is no change. */
function ownable(object: KubernetesObject): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const { labels, annotations, finalizers, ownerReferences } = metadata;
  const own = { labels, annotations, finalizers, ownerReferences };
  return { ...rest, metadata: Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) };
}
