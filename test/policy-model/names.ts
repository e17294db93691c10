/**
 * Whether a DNS name matches, by the regular expressions that policy.md ("DNS rules") and Cilium's `pkg/fqdn/matchpattern` give.
 * Only for names and patterns of tests: such an expression can take long on hostile ones.
 */
export function nameMatches(
  match: { readonly matchName?: unknown; readonly matchPattern?: unknown },
  name: string,
): boolean {
  const asked = fullName(name);
  if (typeof match.matchName === 'string' && fullName(match.matchName) === asked) return true;
  return typeof match.matchPattern === 'string' && expression(match.matchPattern).test(asked);
}

function fullName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

function expression(pattern: string): RegExp {
  if (/^\*+\.?$/.test(pattern)) return /(^([-a-zA-Z0-9_]+[.])+$)|(^[.]$)/;
  const text = fullName(pattern)
    .replaceAll('.', '[.]')
    .replace(/^\*{2,}\[\.\]/, '([-a-zA-Z0-9_]+([.][-a-zA-Z0-9_]+){0,})[.]')
    .replace(/\*+/g, '[-a-zA-Z0-9_]*');
  return new RegExp(`^${text}$`);
}

/** Whether a TLS server name matches a pattern, label by label: `*` is any part of one, `**` one label or more; either alone is every name. */
export function serverNameMatches(pattern: string, serverName: string): boolean {
  if (pattern === '*' || pattern === '**') return true;
  return labelsMatch(pattern.toLowerCase().split('.'), serverName.toLowerCase().split('.'));
}

function labelsMatch(pattern: readonly string[], labels: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [label, ...more] = labels;
  if (first === undefined || label === undefined) return first === undefined && label === undefined;
  if (first === '**') return labelsMatch(rest, more) || labelsMatch(pattern, more);
  const parts = first.split('*').map((part) => part.replaceAll('-', '[-]'));
  return new RegExp(`^${parts.join('[-a-z0-9_]*')}$`).test(label) && labelsMatch(rest, more);
}
