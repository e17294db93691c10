import { type Issue, selectorMatches } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { at, isRecord, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { invalidValue, required, unsupported } from './errors.ts';
import { validateLabels } from './metadata.ts';
import { validatePodSpec } from './pod.ts';
import { validateSelector } from './selector.ts';

/** Rules for Deployment, ReplicaSet and DaemonSet. */
export function validateWorkload(object: KubernetesObject): Issue[] {
  const issues: Issue[] = [];
  const replicas = numberAt(object, 'spec', 'replicas');
  if (replicas !== undefined && replicas < 0)
    issues.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'));
  const selector = at(object, 'spec', 'selector');
  if (!isRecord(selector)) issues.push(required('spec.selector'));
  else {
    issues.push(...validateSelector(selector, 'spec.selector'));
    if (Object.keys(selector).length === 0)
      issues.push(
        invalidValue('spec.selector', selector, `empty selector is invalid for ${object.kind.toLowerCase()}`),
      );
  }
  const labels = recordAt(object, 'spec', 'template', 'metadata', 'labels') ?? {};
  issues.push(...validateLabels(labels, 'spec.template.metadata.labels'));
  if (isRecord(selector) && Object.keys(selector).length > 0 && !selectorMatches(selector, stringValues(labels)))
    issues.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  issues.push(...validatePodSpec(at(object, 'spec', 'template', 'spec'), 'spec.template.spec', ['Always']));
  return [...issues, ...validateStrategy(object)];
}

const STRATEGIES: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  Deployment: ['strategy', ['Recreate', 'RollingUpdate']],
  DaemonSet: ['updateStrategy', ['RollingUpdate', 'OnDelete']],
};

function validateStrategy(object: KubernetesObject): Issue[] {
  const [field, types] = STRATEGIES[object.kind] ?? [];
  if (field === undefined || types === undefined) return [];
  const type = stringAt(object, 'spec', field, 'type') ?? '';
  if (!types.includes(type)) return [unsupported(`spec.${field}.type`, type, types)];
  const rolling = recordAt(object, 'spec', field, 'rollingUpdate');
  const isZero = (value: unknown) => value === 0 || value === '0%';
  if (object.kind === 'Deployment' && rolling && isZero(rolling['maxUnavailable']) && isZero(rolling['maxSurge'])) {
    return [
      invalidValue(
        'spec.strategy.rollingUpdate.maxUnavailable',
        rolling['maxUnavailable'],
        'may not be 0 when `maxSurge` is 0',
      ),
    ];
  }
  return [];
}

function stringValues(labels: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
