/** Longest DNS name as text, and longest label. */
export const nameMax = 255;
export const labelMax = 63;

const wildcardCharacter = /^[-a-z0-9_]*$/;
const validLabel = /^[-a-z0-9_]+$/;

/** Lower case with a trailing dot: the one form in which names are compared. */
export function normalizeName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/** Whether a name is the one of a `matchName`. */
export function matchesName(matchName: string, name: string): boolean {
  return normalizeName(matchName) === normalizeName(name);
}

/**
 * Whether a name matches a `matchPattern` (Cilium's `pkg/fqdn/matchpattern`): `*` stands for characters of one label, `**.` at the
 * front for one or more labels, `*` or `**` alone for every name. Compared label by label, so that no pattern takes long.
 */
export function matchesPattern(matchPattern: string, name: string): boolean {
  const pattern = matchPattern.toLowerCase();
  const labels = normalizeName(name).slice(0, -1).split('.');
  if (pattern === '*' || pattern === '**' || pattern === '*.') return labels.join('') === '' || labels.every(isLabel);
  const wanted = normalizeName(pattern).slice(0, -1).split('.');
  if (wanted[0] !== '**') return sameLength(wanted, labels) && matchesLabels(wanted, labels);
  const rest = wanted.slice(1);
  const extra = labels.length - rest.length;
  if (extra < 1) return false;
  return labels.slice(0, extra).every(isLabel) && matchesLabels(rest, labels.slice(extra));
}

function isLabel(label: string): boolean {
  return validLabel.test(label);
}

function sameLength(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length;
}

function matchesLabels(patterns: readonly string[], labels: readonly string[]): boolean {
  return patterns.every((pattern, index) => matchesLabel(pattern, labels[index] ?? ''));
}

/** Finds the parts between wildcards one after the other; the first hit of each is enough. */
function matchesLabel(pattern: string, label: string): boolean {
  const parts = pattern.split(/\*+/);
  if (parts.length === 1) return pattern === label;
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!label.startsWith(first) || !label.endsWith(last) || label.length < first.length + last.length) return false;
  let from = first.length;
  const end = label.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = label.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    if (!wildcardCharacter.test(label.slice(from, found))) return false;
    from = found + part.length;
  }
  return wildcardCharacter.test(label.slice(from, end));
}
