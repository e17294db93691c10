import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { isRecord } from '../schema/shape.ts';
import { child, forbiddenField, invalidValue, mapKey, required, tooLong } from './errors.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, pathSegment, qualifiedName } from './names.ts';

const ANNOTATIONS_LIMIT = 256 * 1024;

const NAME_RULES: Readonly<Record<string, (name: string) => string | undefined>> = {
  namespaces: dnsLabel,
  services: dns1035Label,
  'leases.coordination.k8s.io': pathSegment,
};

/** Rules for `metadata` of any object. */
export function validateMetadata(definition: ResourceDefinition, object: KubernetesObject): Issue[] {
  const meta = object.metadata;
  const issues: Issue[] = [];
  const rule = NAME_RULES[definition.key] ?? dnsSubdomain;
  if (meta.name === '' && meta.generateName !== undefined) return issues;
  if (typeof meta.name !== 'string' || meta.name === '') {
    issues.push(required('metadata.name', 'name or generateName is required'));
  } else {
    const fault = rule(meta.name);
    if (fault) issues.push(invalidValue('metadata.name', meta.name, fault));
  }
  if (definition.namespaced) {
    const fault = meta.namespace === undefined ? undefined : dnsLabel(meta.namespace);
    if (fault) issues.push(invalidValue('metadata.namespace', meta.namespace, fault));
  } else if (meta.namespace !== undefined) {
    issues.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  }
  issues.push(...validateLabels(meta.labels, 'metadata.labels'), ...validateAnnotations(meta.annotations));
  for (const [position, finalizer] of (meta.finalizers ?? []).entries()) {
    const fault = qualifiedName(finalizer);
    if (fault) issues.push(invalidValue(`metadata.finalizers[${position}]`, finalizer, fault));
  }
  return [...issues, ...validateOwners(object)];
}

export function validateLabels(labels: unknown, path: string): Issue[] {
  if (!isRecord(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => {
    const keyFault = qualifiedName(key);
    const valueFault = typeof value === 'string' ? labelValue(value) : 'must be a string';
    return [
      ...(keyFault ? [invalidValue(path, key, keyFault)] : []),
      ...(valueFault ? [invalidValue(mapKey(path, key), value, valueFault)] : []),
    ];
  });
}

function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined): Issue[] {
  const issues: Issue[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const fault = qualifiedName(key.toLowerCase());
    if (fault) issues.push(invalidValue('metadata.annotations', key, fault));
    size += key.length + String(value).length;
  }
  if (size > ANNOTATIONS_LIMIT) issues.push(tooLong('metadata.annotations', ANNOTATIONS_LIMIT));
  return issues;
}

function validateOwners(object: KubernetesObject): Issue[] {
  const owners = object.metadata.ownerReferences ?? [];
  const issues = owners.flatMap((owner, position) => {
    const path = `metadata.ownerReferences[${position}]`;
    return (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => !owner[field])
      .map((field) => invalidValue(child(path, field), owner[field] ?? '', 'must not be empty'));
  });
  if (owners.filter((owner) => owner.controller === true).length > 1) {
    issues.push(
      invalidValue('metadata.ownerReferences', owners.length, 'Only one reference can have Controller set to true'),
    );
  }
  return issues;
}
