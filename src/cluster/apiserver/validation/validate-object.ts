import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { defaultBuiltin } from '../defaulting/builtin.ts';
import { defaultCustom } from '../defaulting/custom.ts';
import { apiVersionOf } from '../registry/definition.ts';
import type { Registry, ServedResource } from '../registry/registry.ts';
import { isRecord } from '../schema/shape.ts';
import { validateBuiltin } from './builtin.ts';
import { validateCustom } from './custom.ts';
import { invalidValue, required } from './errors.ts';
import { validateChange } from './immutable.ts';
import { validateMetadata } from './metadata.ts';
import { checkShape, unknownFieldIssue } from './strict.ts';

/** Checks that go beyond the kind's schema, given by whoever composes the server; `resource` is the key (`ciliumenvoyconfigs.cilium.io`). */
export type ObjectValidator = (
  resource: string,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
) => readonly Issue[];

/** Sets the defaults of an object of this kind, in place. */
export function defaultObject({ definition, served }: ServedResource, draft: KubernetesObject): void {
  if (served.schema) defaultCustom(served.schema, draft);
  else if (!definition.custom) defaultBuiltin(definition.key, draft);
}

/** All rules for a defaulted object whose fields have the right types; with `old`, also those for the change. */
export function validateDefaulted(
  { definition, served }: ServedResource,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  validator?: ObjectValidator,
): readonly Issue[] {
  const issues = [
    ...validateMetadata(definition, object),
    ...(definition.custom ? [] : validateBuiltin(definition.key, object)),
    ...(served.schema ? validateCustom(served.schema, object) : []),
    ...(old ? validateChange(definition.key, object, old) : []),
  ];
  // Own checks may rely on the schema, so they only see objects that fit it.
  return issues.length > 0 || !validator ? issues : validator(definition.key, object, old);
}

/**
 * Everything the API server would say against creating this object, without a server: unknown kinds and fields, wrong types,
 * schema, rules of the kind, then `validator`. The object is not changed.
 */
export function validateObject(object: unknown, registry: Registry, validator?: ObjectValidator): readonly Issue[] {
  if (!isRecord(object)) return [invalidValue('', object, 'must be an object')];
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || apiVersion === '') return [required('apiVersion')];
  if (typeof kind !== 'string' || kind === '') return [required('kind')];
  const resource = registry.byKind(apiVersion, kind);
  if (!resource) return [unknownKind(apiVersion, kind, registry)];
  if (!isRecord(object['metadata'])) return [required('metadata')];
  const draft = structuredClone(object) as KubernetesObject;
  const { unknown, mismatches } = checkShape(resource.served.shape, draft, true);
  const issues = [...unknown.map(unknownFieldIssue), ...mismatches];
  if (mismatches.length > 0) {
    // The schema of a custom resource tells every fault at once; rules of built-in kinds rely on the right types.
    const known = new Set(issues.map(({ path }) => path));
    const rest = resource.served.schema ? validateCustom(resource.served.schema, draft) : [];
    return [...issues, ...rest.filter(({ path }) => !known.has(path))];
  }
  if (resource.definition.namespaced) draft.metadata.namespace ??= 'default';
  defaultObject(resource, draft);
  return [...issues, ...validateDefaulted(resource, draft, undefined, validator)];
}

function unknownKind(apiVersion: string, kind: string, registry: Registry): Issue {
  const others = registry
    .resources()
    .filter((resource) => resource.kind === kind)
    .flatMap((resource) => resource.versions.map(({ version }) => apiVersionOf(resource.group, version)));
  const kinds = registry.resources().map((resource) => resource.kind);
  return {
    path: others.length > 0 ? 'apiVersion' : 'kind',
    message: `no matches for kind "${kind}" in version "${apiVersion}"`,
    allowed: others.length > 0 ? others.join(', ') : [...new Set(kinds)].sort().join(', '),
  };
}
