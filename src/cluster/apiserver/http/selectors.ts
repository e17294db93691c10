import type { KubernetesObject } from '../../store.ts';
import type { ServedResource } from '../registry/registry.ts';
import { at } from '../schema/shape.ts';
import { badRequest } from '../status.ts';
import { labelValue, qualifiedName } from '../validation/names.ts';

export type Matcher = (object: KubernetesObject) => boolean;

/** Fields that `--field-selector` knows, besides metadata.name and metadata.namespace. */
const FIELDS: Readonly<Record<string, string>> = {
  pods: 'spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork status.phase status.podIP status.nominatedNodeName',
  events:
    'involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason reportingComponent source type',
  'events.events.k8s.io':
    'regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion regarding.resourceVersion regarding.fieldPath reason reportingController type',
  nodes: 'spec.unschedulable',
  namespaces: 'status.phase',
  secrets: 'type',
  'replicasets.apps': 'status.replicas',
};

/** What the query asks for, or undefined when it asks for everything. Throws 400 for a selector that cannot be read. */
export function queryMatcher(resource: ServedResource, query: URLSearchParams): Matcher | undefined {
  const matchers = [
    ...labelMatchers(query.get('labelSelector') ?? ''),
    ...fieldMatchers(resource, query.get('fieldSelector') ?? ''),
  ];
  return matchers.length === 0 ? undefined : (object) => matchers.every((matches) => matches(object));
}

function fieldMatchers(resource: ServedResource, text: string): Matcher[] {
  const allowed = new Set([
    'metadata.name',
    'metadata.namespace',
    ...(FIELDS[resource.definition.key]?.split(' ') ?? []),
    ...resource.served.selectableFields,
  ]);
  return splitTop(text).map((part) => {
    const match = /^([^=!]+)(!=|==|=)(.*)$/s.exec(part);
    if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
    const [, field = '', operator, value = ''] = match;
    if (!allowed.has(field))
      throw badRequest(`field label not supported: ${field}; supported: ${[...allowed].join(', ')}`);
    const wanted = value.replace(/\\([\\,=])/g, '$1');
    const path = field.split('.');
    return (object) => {
      const found = at(object, ...path);
      const fallback = field === 'spec.unschedulable' || field === 'spec.hostNetwork' ? 'false' : '';
      const text = typeof found === 'string' ? found : found === undefined ? fallback : JSON.stringify(found);
      return (text === wanted) !== (operator === '!=');
    };
  });
}

/** Splits at commas outside parentheses; escaped commas stay. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let offset = 0; offset < text.length; offset++) {
    const character = text[offset];
    if (character === '\\') offset++;
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, offset));
      start = offset + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function labelMatchers(text: string): Matcher[] {
  return splitTop(text).map((part) => {
    const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
    if (set) {
      const values = (set[3] ?? '').split(',').map((value) => value.trim());
      return labelMatcher(part, set[1] ?? '', values, set[2] === 'notin');
    }
    const equality = /^([^\s=!]+)\s*(==|=|!=)\s*(\S*)$/.exec(part);
    if (equality) return labelMatcher(part, equality[1] ?? '', [equality[3] ?? ''], equality[2] === '!=');
    const absent = part.startsWith('!');
    const key = checkedKey(part, part.slice(absent ? 1 : 0).trim());
    return (object) => Object.hasOwn(object.metadata.labels ?? {}, key) !== absent;
  });
}

function checkedKey(part: string, key: string): string {
  const fault = qualifiedName(key);
  if (fault) throw badRequest(`unable to parse requirement "${part}": ${fault}`);
  return key;
}

function labelMatcher(part: string, key: string, values: readonly string[], negate: boolean): Matcher {
  checkedKey(part, key);
  for (const value of values) {
    const fault = labelValue(value);
    if (fault) throw badRequest(`unable to parse requirement "${part}": values: Invalid value: "${value}": ${fault}`);
  }
  return (object) => {
    const labels = object.metadata.labels ?? {};
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const matches = value !== undefined && values.includes(value);
    return matches !== negate;
  };
}
