const META: ReadonlySet<string> = new Set('.+*?()|[]{}^$');
const REPETITION: ReadonlySet<string> = new Set('*+?{');
/** Flags and quotes: a repetition behind them is one of what stands before them. */
const TRANSPARENT = /\(\?[A-Za-z-]*\)|\\[QE]/;

/** Visible ASCII that every text begins with which an RE2 expression matches as a whole; empty where that is not plain to see. */
export function literalPrefix(source: string): string {
  if (TRANSPARENT.test(source) || mayHaveChoice(source)) return '';
  let out = '';
  let at = source.startsWith('^') ? 1 : 0;
  for (;;) {
    const escaped = source[at] === '\\';
    const char = escaped ? source[at + 1] : source[at];
    if (char === undefined || !/[!-~]/.test(char)) return out;
    if (escaped ? /\w/.test(char) : META.has(char)) return out;
    at += escaped ? 2 : 1;
    const next = source[at];
    if (next !== undefined && REPETITION.has(next)) return out;
    out += char;
  }
}

/** Whether a `|` may stand outside of all groups. */
function mayHaveChoice(source: string): boolean {
  if (!source.includes('|')) return false;
  const bare = source.replace(/\\./gs, '');
  if (bare.includes('[')) return true;
  let depth = 0;
  for (const char of bare) {
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}
