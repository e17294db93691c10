/** Longest DNS name as text. */
export const dnsNameMax = 255;

const wildcardText = /^[-a-z0-9_]*$/;
const labelText = /^[-a-z0-9_]+$/;

/** Lower case with a trailing dot: the one form in which names are compared. */
export function normalizeDnsName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/**
 * A test of names against a `matchPattern` (Cilium's `pkg/fqdn/matchpattern`): `*` stands for characters of one label, `**.` (or more stars) at the
 * front for one or more labels, stars alone for every name. Compared label by label, so that no pattern takes long.
 */
export function compileDnsPattern(matchPattern: string): (name: string) => boolean {
  const pattern = normalizeDnsName(matchPattern).slice(0, -1);
  if (/^\*+$/.test(pattern)) return matchesEveryName;
  const anyDepth = /^\*{2,}\./.exec(pattern)?.[0];
  const wanted = pattern
    .slice(anyDepth?.length)
    .split('.')
    .map((label) => label.split(/\*+/));
  return (name) => {
    const labels = labelsOf(name);
    const extra = labels.length - wanted.length;
    if (anyDepth !== undefined ? extra < 1 || !labels.slice(0, extra).every(isLabel) : extra !== 0) return false;
    return wanted.every((parts, index) => matchesLabel(parts, labels[extra + index] ?? ''));
  };
}

function matchesEveryName(name: string): boolean {
  const labels = labelsOf(name);
  const isRoot = labels.length === 1 && labels[0] === '';
  return isRoot || labels.every(isLabel);
}

function labelsOf(name: string): readonly string[] {
  return normalizeDnsName(name).slice(0, -1).split('.');
}

function isLabel(label: string): boolean {
  return labelText.test(label);
}

/** Finds the parts between wildcards one after the other; the first hit of each is enough. */
function matchesLabel(parts: readonly string[], label: string): boolean {
  const first = parts[0] ?? '';
  if (parts.length === 1) return first === label;
  const last = parts.at(-1) ?? '';
  if (!label.startsWith(first) || !label.endsWith(last) || label.length < first.length + last.length) return false;
  let from = first.length;
  const end = label.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = label.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    if (!wildcardText.test(label.slice(from, found))) return false;
    from = found + part.length;
  }
  return wildcardText.test(label.slice(from, end));
}
