import type { Issue } from '../../../base/index.ts';
import { isRecord, stringAt } from '../schema/shape.ts';
import { child, duplicate, forbiddenField, index, invalidValue, required } from './errors.ts';
import { dnsLabel } from './names.ts';

/** Rules for the volumes of a pod. */
export function validateVolumes(volumes: readonly unknown[], path: string): Issue[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, position) => {
    const here = index(path, position);
    const name = stringAt(volume, 'name') ?? '';
    const issues: Issue[] = [];
    const fault = dnsLabel(name);
    if (name === '') issues.push(required(child(here, 'name')));
    else if (fault) issues.push(invalidValue(child(here, 'name'), name, fault));
    else if (names.has(name)) issues.push(duplicate(child(here, 'name'), name));
    names.add(name);
    return [...issues, ...validateSource(volume, here)];
  });
}

const REQUIRED: Readonly<Record<string, string>> = {
  configMap: 'name',
  secret: 'secretName',
  hostPath: 'path',
  persistentVolumeClaim: 'claimName',
};

function validateSource(volume: unknown, path: string): Issue[] {
  if (!isRecord(volume)) return [];
  const sources = Object.keys(volume).filter((field) => field !== 'name' && volume[field] !== null);
  const issues = sources
    .slice(1)
    .map((extra) => forbiddenField(child(path, extra), 'may not specify more than 1 volume type'));
  const [source] = sources;
  if (source === undefined) return [required(path, 'must specify a volume type')];
  const field = REQUIRED[source];
  if (field !== undefined && !stringAt(volume, source, field)) issues.push(required(`${path}.${source}.${field}`));
  return issues;
}
