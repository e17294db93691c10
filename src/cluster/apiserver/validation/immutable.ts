import { isDeepStrictEqual } from 'node:util';
import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { at, isRecord, listAt, stringAt } from '../schema/shape.ts';
import { forbiddenField, invalidValue } from './errors.ts';

const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  'deployments.apps': ['spec.selector'],
  'replicasets.apps': ['spec.selector'],
  'daemonsets.apps': ['spec.selector'],
  'endpointslices.discovery.k8s.io': ['addressType'],
  'customresourcedefinitions.apiextensions.k8s.io': [
    'spec.group',
    'spec.scope',
    'spec.names.plural',
    'spec.names.kind',
  ],
  'ingressclasses.networking.k8s.io': ['spec.controller'],
  secrets: ['type'],
};

/** Rules that compare the new object with the old one. */
export function validateChange(key: string, object: KubernetesObject, old: KubernetesObject): Issue[] {
  const issues: Issue[] = [];
  for (const field of IMMUTABLE[key] ?? []) {
    const path = field.split('.');
    if (!isDeepStrictEqual(at(object, ...path), at(old, ...path)))
      issues.push(invalidValue(field, at(object, ...path) ?? null, 'field is immutable'));
  }
  if (key === 'pods') issues.push(...podChange(object, old));
  if (key === 'services') issues.push(...serviceChange(object, old));
  if ((key === 'configmaps' || key === 'secrets') && old['immutable'] === true) {
    for (const field of ['data', 'binaryData', 'immutable']) {
      if (!isDeepStrictEqual(object[field], old[field]))
        issues.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
    }
  }
  return issues;
}

const POD_UPDATE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function podChange(pod: KubernetesObject, old: KubernetesObject): Issue[] {
  const binding = stringAt(old, 'spec', 'nodeName') === undefined;
  const allowed = binding ? withoutNode(comparablePod(pod)) : comparablePod(pod);
  const before = binding ? withoutNode(comparablePod(old)) : comparablePod(old);
  return isDeepStrictEqual(allowed, before) ? [] : [forbiddenField('spec', POD_UPDATE)];
}

function withoutNode(spec: unknown): unknown {
  return isRecord(spec) ? { ...spec, nodeName: undefined } : spec;
}

/** The spec without what an update may change. */
function comparablePod(pod: KubernetesObject): unknown {
  const spec = at(pod, 'spec');
  if (!isRecord(spec)) return spec;
  const images = (field: string) =>
    listAt(spec, field).map((container) => (isRecord(container) ? { ...container, image: '' } : container));
  return {
    ...spec,
    containers: images('containers'),
    initContainers: images('initContainers'),
    ephemeralContainers: undefined,
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    schedulingGates: undefined,
    terminationGracePeriodSeconds: undefined,
    nodeName: spec['nodeName'],
  };
}

function serviceChange(service: KubernetesObject, old: KubernetesObject): Issue[] {
  const before = stringAt(old, 'spec', 'clusterIP') ?? '';
  const now = stringAt(service, 'spec', 'clusterIP') ?? '';
  const types = [stringAt(service, 'spec', 'type'), stringAt(old, 'spec', 'type')];
  if (types.includes('ExternalName') || before === '' || before === now) return [];
  return [invalidValue('spec.clusterIPs[0]', now === '' ? null : [now], 'may not change once set')];
}
