import type { LabelRequirement, LabelSelector } from '../../base/index.ts';
import { type Faults, type Fields, fieldsAt, itemsAt, quoted, textAt, textsAt } from './faults.ts';

export const namespaceKey = 'io.kubernetes.pod.namespace';
export const namespaceLabelsPrefix = 'io.cilium.k8s.namespace.labels.';

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** A selector at a key as written; absent or null gives undefined. Faults carry Cilium's text, `invalid label selector: ...`. */
export function selectorAt(faults: Faults, fields: Fields, key: string, path: string): LabelSelector | undefined {
  const selector = fieldsAt(faults, fields, key, path);
  return selector && readSelector(faults, selector, `${path}.${key}`);
}

export function readSelector(faults: Faults, selector: Fields, path: string): LabelSelector {
  const matchLabels = fieldsAt(faults, selector, 'matchLabels', path);
  const requirements = itemsAt(faults, selector, 'matchExpressions', path);
  return {
    ...(matchLabels ? { matchLabels: readMatchLabels(faults, matchLabels, `${path}.matchLabels`) } : {}),
    ...(requirements
      ? { matchExpressions: requirements.map(({ item, path: place }, at) => readRequirement(faults, item, place, at)) }
      : {}),
  };
}

function readMatchLabels(faults: Faults, labels: Fields, path: string): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [key, value] of Object.entries(labels)) {
    const place = `${path}[${key}]`;
    checkKey(faults, key, place, 'matchLabels');
    if (typeof value !== 'string') faults.add(place, 'must be of type string', 'text in quotes');
    else {
      checkValue(faults, value, place, 'matchLabels');
      entries.push([key, value]);
    }
  }
  return Object.fromEntries(entries);
}

function readRequirement(faults: Faults, item: Fields, path: string, position: number): LabelRequirement {
  const where = `matchExpressions[${position}]`;
  const key = textAt(faults, item, 'key', path) ?? '';
  const operator = textAt(faults, item, 'operator', path) ?? '';
  const values = textsAt(faults, item, 'values', path) ?? [];
  checkKey(faults, key, `${path}.key`, `${where}.key`);
  if (!operators.includes(operator)) {
    const found = quoted(operator);
    faults.add(
      `${path}.operator`,
      `invalid label selector: ${where}.operator: Invalid value: ${found}: not a valid selector operator`,
      operators.join(', '),
    );
  } else if (operator.endsWith('In') && values.length === 0) {
    faults.add(
      `${path}.values`,
      `invalid label selector: ${where}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
    );
  } else if (!operator.endsWith('In') && values.length > 0) {
    faults.add(
      `${path}.values`,
      `invalid label selector: ${where}.values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
    );
  }
  for (const [at, value] of values.entries())
    checkValue(faults, value, `${path}.values[${at}]`, `${where}.values[${at}]`);
  return { key, operator, ...(values.length > 0 ? { values } : {}) };
}

const namePart = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const prefixPart = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

function checkKey(faults: Faults, key: string, path: string, where: string): void {
  const [, , name] = splitSource(key);
  const slash = name.indexOf('/');
  const prefix = slash < 0 ? undefined : name.slice(0, slash);
  const valid =
    namePart.test(name.slice(slash + 1)) && (prefix === undefined || (prefix.length <= 253 && prefixPart.test(prefix)));
  if (!valid) {
    faults.add(
      path,
      `invalid label selector: ${where}: Invalid value: ${quoted(key)}: not a label key`,
      '[source:][prefix/]name, name of at most 63 letters, digits, -, _ and .',
    );
  }
}

function checkValue(faults: Faults, value: string, path: string, where: string): void {
  if (value === '' || namePart.test(value)) return;
  faults.add(
    path,
    `invalid label selector: ${where}: Invalid value: ${quoted(value)}: not a label value`,
    'at most 63 letters, digits, -, _ and ., a letter or digit at both ends',
  );
}

/** Source, separator and the rest of a label key. `k8s.io.kubernetes...` and `reserved.x` are Cilium's older spellings. */
function splitSource(key: string): readonly [source: string | undefined, separator: string, name: string] {
  const colon = /^([A-Za-z0-9]+):(.*)$/s.exec(key);
  if (colon) return [colon[1], ':', colon[2] ?? ''];
  const dotted = /^(k8s)\.(io\.(?:kubernetes|cilium)\..+)$/.exec(key) ?? /^(reserved)\.(.+)$/.exec(key);
  return dotted ? [dotted[1], '.', dotted[2] ?? ''] : [undefined, '', key];
}

/** The key with its source, `any:` where none is written. */
function sourceKey(key: string, defaultSource: string): string {
  const [source, , name] = splitSource(key);
  return `${source ?? defaultSource}:${name}`;
}

/** The selector with a source before every key. */
export function withSources(selector: LabelSelector, defaultSource: string): LabelSelector {
  return mapKeys(selector, (key) => sourceKey(key, defaultSource));
}

export function mapKeys(selector: LabelSelector, change: (key: string) => string): LabelSelector {
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(matchLabels
      ? { matchLabels: Object.fromEntries(Object.entries(matchLabels).map(([key, value]) => [change(key), value])) }
      : {}),
    ...(matchExpressions
      ? { matchExpressions: matchExpressions.map((each) => ({ ...each, key: change(each.key) })) }
      : {}),
  };
}

export function selectorKeys(selector: LabelSelector): readonly string[] {
  return [...Object.keys(selector.matchLabels ?? {}), ...(selector.matchExpressions ?? []).map(({ key }) => key)];
}

const clusterKey = 'io.cilium.k8s.policy.cluster';

/**
 * The selector for pods of a cluster only, unless it says itself which cluster it means: without this one that only excludes something
 * would take in nodes and the world, which have no such label (`addClusterFilterByDefault`, `policy-default-local-cluster`).
 */
export function podsOnly(selector: LabelSelector): LabelSelector {
  const keys = selectorKeys(selector);
  if (keys.includes(`k8s:${clusterKey}`) || keys.includes(`any:${clusterKey}`)) return selector;
  // Only pods have these labels, so a value of one of them says the same.
  const own = [namespaceKey, namespaceLabelsPrefix];
  const isPods = ([key]: [string, string]) => own.some((name) => key.replace(/^(?:any|k8s):/, '').startsWith(name));
  if (Object.entries(selector.matchLabels ?? {}).some(isPods)) return selector;
  return addRequirement(selector, { key: `k8s:${clusterKey}`, operator: 'Exists' });
}

/** Both selectors at once. */
export function addLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): LabelSelector {
  return { ...selector, matchLabels: { ...selector.matchLabels, ...labels } };
}

export function addRequirement(selector: LabelSelector, requirement: LabelRequirement): LabelSelector {
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), requirement] };
}
