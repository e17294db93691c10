import type { DnsMatch } from '../model/cilium/index.ts';

/** Lower case with a trailing dot, as names are compared. */
export function normaliseDnsName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/**
 * Whether a name (lower case, trailing dot) matches. `matchName` is exact; in `matchPattern` a `*` stands for characters
 * of one label, a leading `**.` for one or more whole labels, and `*` alone for every name (`pkg/fqdn/matchpattern`).
 */
export function compileDnsMatch({ matchName, matchPattern }: DnsMatch): (name: string) => boolean {
  const exact = matchName === undefined ? undefined : normaliseDnsName(matchName);
  const pattern = matchPattern === undefined ? undefined : compilePattern(normaliseDnsName(matchPattern));
  return (name) => name === exact || (pattern?.(name) ?? false);
}

/** The identity label of a name selector: `fqdn:` and its text. */
export function fqdnLabel({ matchName, matchPattern }: DnsMatch): string {
  return `fqdn:${matchName ?? matchPattern ?? ''}`;
}

const labelText = /^[-a-zA-Z0-9_]+$/;

function compilePattern(pattern: string): (name: string) => boolean {
  if (pattern === '*.' || pattern === '**.')
    return (name) => name === '.' || name.slice(0, -1).split('.').every(isLabel);
  const anyDepth = pattern.startsWith('**.');
  const labels = (anyDepth ? pattern.slice(3) : pattern).split('.');
  return (name) => {
    const parts = name.split('.');
    const extra = parts.length - labels.length;
    if (anyDepth ? extra < 1 || !parts.slice(0, extra).every(isLabel) : extra !== 0) return false;
    return labels.every((label, index) => labelMatches(label, parts[extra + index] ?? ''));
  };
}

function isLabel(text: string): boolean {
  return labelText.test(text);
}

/** One label against a text in which `*` stands for any characters; linear but for the last star's retries. */
function labelMatches(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text;
  if (text !== '' && !isLabel(text)) return false;
  let [patternAt, textAt, starAt, retryAt] = [0, 0, -1, 0];
  while (textAt < text.length) {
    if (pattern[patternAt] === '*') {
      starAt = patternAt++;
      retryAt = textAt;
    } else if (pattern[patternAt] === text[textAt]) {
      patternAt++;
      textAt++;
    } else if (starAt >= 0) {
      patternAt = starAt + 1;
      textAt = ++retryAt;
    } else return false;
  }
  while (pattern[patternAt] === '*') patternAt++;
  return patternAt === pattern.length;
}
