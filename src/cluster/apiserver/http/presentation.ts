import type { KubernetesObject } from '../../store.ts';
import type { ServedResource } from '../registry/registry.ts';
import { toServed } from './versions.ts';

/** The form a client asked for with `Accept`. */
export type Form = 'object' | 'table' | 'metadata';

const META = 'meta.k8s.io/v1';

/** The first form of the `Accept` header that this server has. Anything unknown gets plain JSON, which every client reads. */
export function requestedForm(accept: string | undefined): Form {
  for (const part of (accept ?? '').split(',')) {
    const parameters = part.split(';').map((text) => text.trim());
    if (!['application/json', '*/*', 'application/*'].includes(parameters[0] ?? '')) continue;
    const kind = parameters.find((text) => text.startsWith('as='))?.slice(3);
    const group = parameters.find((text) => text.startsWith('g='))?.slice(2);
    if (kind === undefined) return 'object';
    if (group !== 'meta.k8s.io' || !parameters.includes('v=v1')) continue;
    if (kind === 'Table') return 'table';
    if (kind === 'PartialObjectMetadata' || kind === 'PartialObjectMetadataList') return 'metadata';
  }
  return 'object';
}

export interface TableOptions {
  readonly now: number;
  /** `includeObject` of the query: None, Metadata (default) or Object. */
  readonly include: string | null;
  readonly columns: boolean;
}

/** A server-side table over stored objects. */
export function table(
  resource: ServedResource,
  objects: readonly KubernetesObject[],
  metadata: Record<string, unknown>,
  { now, include, columns }: TableOptions,
): unknown {
  const definitions = resource.served.columns;
  return {
    kind: 'Table',
    apiVersion: META,
    metadata,
    columnDefinitions: columns
      ? definitions.map(({ name, type, format, description, priority }) => ({
          name,
          type,
          format: format ?? '',
          description,
          priority,
        }))
      : null,
    rows: objects.map((object) => ({
      cells: definitions.map(({ cell }) => cell(object, now)),
      ...(include === 'None'
        ? {}
        : { object: include === 'Object' ? toServed(resource, object) : partialMetadata(object) }),
    })),
  };
}

export function partialMetadata(object: KubernetesObject): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: META, metadata: object.metadata };
}

/** One object in the form asked for. */
export function presentOne(
  form: Form,
  resource: ServedResource,
  object: KubernetesObject,
  options: TableOptions,
): unknown {
  if (form === 'table')
    return table(resource, [object], { resourceVersion: object.metadata.resourceVersion ?? '' }, options);
  return form === 'metadata' ? partialMetadata(object) : toServed(resource, object);
}
