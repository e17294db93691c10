import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { recordAt, stringAt } from '../schema/shape.ts';
import { forbiddenField, invalidValue, mapKey, required } from './errors.ts';
import { configKey } from './names.ts';
import { validateEndpointSlice, validateIngress, validateNetworkPolicy } from './networking.ts';
import { validatePodSpec } from './pod.ts';
import { validateResourceDefinition } from './resource-definition.ts';
import { validateService } from './services.ts';
import { validateWorkload } from './workloads.ts';

type Rule = (object: KubernetesObject) => readonly Issue[];

const RULES: Readonly<Record<string, Rule>> = {
  pods: (pod) => validatePodSpec(pod['spec'], 'spec'),
  services: validateService,
  configmaps: validateData,
  secrets: validateData,
  events: validateEvent,
  'deployments.apps': validateWorkload,
  'replicasets.apps': validateWorkload,
  'daemonsets.apps': validateWorkload,
  'networkpolicies.networking.k8s.io': validateNetworkPolicy,
  'ingresses.networking.k8s.io': validateIngress,
  'endpointslices.discovery.k8s.io': validateEndpointSlice,
  'customresourcedefinitions.apiextensions.k8s.io': validateResourceDefinition,
};

/** Semantic rules of a built-in kind, on the defaulted object. */
export function validateBuiltin(key: string, object: KubernetesObject): readonly Issue[] {
  return RULES[key]?.(object) ?? [];
}

const DATA_LIMIT = 1024 * 1024;

function validateData(object: KubernetesObject): Issue[] {
  const issues: Issue[] = [];
  let size = 0;
  for (const field of ['data', 'binaryData'] as const) {
    for (const [key, value] of Object.entries(recordAt(object, field) ?? {})) {
      const fault = configKey(key);
      if (fault) issues.push(invalidValue(mapKey(field, key), key, fault));
      size += String(value).length;
    }
  }
  if (size > DATA_LIMIT) issues.push({ path: '', message: `Too long: may not be more than ${DATA_LIMIT} bytes` });
  if (object.kind === 'Secret' && stringAt(object, 'type') === 'kubernetes.io/tls') {
    for (const key of ['tls.crt', 'tls.key']) {
      if (recordAt(object, 'data')?.[key] === undefined) issues.push(required(mapKey('data', key)));
    }
  }
  return issues;
}

function validateEvent(event: KubernetesObject): Issue[] {
  const involved = stringAt(event, 'involvedObject', 'namespace') ?? '';
  const namespace = event.metadata.namespace ?? '';
  if (involved === '' && namespace !== 'default' && namespace !== 'kube-system')
    return [invalidValue('involvedObject.namespace', involved, 'does not match event.namespace')];
  if (involved !== '' && involved !== namespace)
    return [forbiddenField('involvedObject.namespace', 'does not match event.namespace')];
  return [];
}
