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
