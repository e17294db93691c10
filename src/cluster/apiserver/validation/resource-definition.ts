import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { isRecord, listAt, recordAt, stringAt } from '../schema/shape.ts';
import { duplicate, index, invalidValue, required, unsupported } from './errors.ts';
import { dns1035Label, dnsSubdomain } from './names.ts';

/** Rules for a CustomResourceDefinition. */
export function validateResourceDefinition(crd: KubernetesObject): Issue[] {
  const issues: Issue[] = [];
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const plural = stringAt(crd, 'spec', 'names', 'plural') ?? '';
  if (group === '') issues.push(required('spec.group'));
  else if (dnsSubdomain(group)) issues.push(invalidValue('spec.group', group, dnsSubdomain(group) ?? ''));
  if (crd.metadata.name !== `${plural}.${group}`)
    issues.push(invalidValue('metadata.name', crd.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = stringAt(crd, 'spec', 'names', field);
    if (!value) issues.push(required(`spec.names.${field}`));
    else if (dns1035Label(value.toLowerCase()))
      issues.push(invalidValue(`spec.names.${field}`, value, dns1035Label(value.toLowerCase()) ?? ''));
  }
  const scope = stringAt(crd, 'spec', 'scope') ?? '';
  if (scope !== 'Cluster' && scope !== 'Namespaced')
    issues.push(unsupported('spec.scope', scope, ['Cluster', 'Namespaced']));
  return [...issues, ...validateVersions(crd)];
}

function validateVersions(crd: KubernetesObject): Issue[] {
  const versions = listAt(crd, 'spec', 'versions').filter(isRecord);
  const issues: Issue[] = [];
  const names = new Set<string>();
  if (versions.length === 0)
    issues.push(required('spec.versions', 'must have exactly one version marked as storage version'));
  else if (versions.filter((version) => version['storage'] === true).length !== 1)
    issues.push(
      invalidValue(
        'spec.versions',
        versions.map((version) => version['name']),
        'must have exactly one version marked as storage version',
      ),
    );
  for (const [position, version] of versions.entries()) {
    const path = index('spec.versions', position);
    const name = stringAt(version, 'name') ?? '';
    if (dns1035Label(name)) issues.push(invalidValue(`${path}.name`, name, dns1035Label(name) ?? ''));
    if (names.has(name)) issues.push(duplicate(`${path}.name`, name));
    names.add(name);
    const schema = recordAt(version, 'schema', 'openAPIV3Schema');
    if (!schema) issues.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
    else issues.push(...validatePatterns(schema, `${path}.schema.openAPIV3Schema`));
    if (schema && schema['type'] !== 'object')
      issues.push(
        invalidValue(`${path}.schema.openAPIV3Schema.type`, schema['type'] ?? '', 'must be object at the root'),
      );
  }
  return issues;
}

/** The patterns of a schema must be regular expressions. */
function validatePatterns(schema: unknown, path: string): Issue[] {
  if (Array.isArray(schema)) return schema.flatMap((inner, position) => validatePatterns(inner, index(path, position)));
  if (!isRecord(schema)) return [];
  const issues = Object.entries(schema).flatMap(([name, inner]) => validatePatterns(inner, `${path}.${name}`));
  const pattern = schema['pattern'];
  if (typeof pattern !== 'string') return issues;
  try {
    new RegExp(pattern);
    return issues;
  } catch {
    return [...issues, invalidValue(`${path}.pattern`, pattern, 'must be a valid regular expression')];
  }
}
