import { compileRe2, fail, ok, type Result } from '../../base/index.ts';

const longestPattern = 4096;

/** A test for RE2 syntax, found anywhere in the text. Linear in time whatever the pattern, as filters come from outside. */
export function compileRegex(pattern: string): Result<(text: string) => boolean, string> {
  if (pattern.length > longestPattern) return fail(`pattern is longer than ${longestPattern} characters`);
  const compiled = compileRe2(pattern);
  if (!compiled.ok) return compiled;
  const regex = compiled.value;
  return ok((text) => regex.matcher(text).find());
}

/** A DNS name pattern: `*` stands for any run of name characters; case and a last dot do not count. */
export function compileFqdn(pattern: string): Result<(name: string) => boolean, string> {
  const normal = canonical(pattern);
  if (!normal.ok) return normal;
  const matches = wildcard(normal.value);
  return ok((name) => matches(name.toLowerCase().replace(/\.$/, '')));
}

/** The pattern in the form of names, or what is wrong with it in the words of `pkg/hubble/filters`. */
function canonical(pattern: string): Result<string, string> {
  const normal = pattern.trim().replace(/\.$/, '').toLowerCase();
  if (normal === '') return fail('empty pattern');
  if (normal.endsWith('.')) return fail('multiple trailing dots in pattern');
  const [stranger] = /[^-a-z0-9_.*]/u.exec(normal) ?? [];
  return stranger === undefined ? ok(normal) : fail(`'${stranger}': invalid rune in pattern`);
}

/**
 * Whether a text is the pattern, where each `*` stands for any run of characters.
 * Runs in the product of both lengths at worst, so no pattern makes it hang.
 */
export function wildcard(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let position = first.length;
    const end = text.length - last.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, position);
      if (found < 0 || found + piece.length > end) return false;
      position = found + piece.length;
    }
    return true;
  };
}

/** The cluster of nodes whose name comes without one. */
const defaultCluster = 'default';

/**
 * A node name pattern `[cluster/]node` against `[cluster/]node` of a flow. A part that is empty or missing stands for every cluster or
 * every node; a flow without node matches nothing.
 */
export function compileNodeName(pattern: string): Result<(nodeName: string) => boolean, string> {
  if (pattern === '') return fail('empty pattern');
  const parts = pattern.split('/');
  if (parts.length > 2) return fail('too many slashes in pattern');
  const [node = '', cluster = ''] = parts.reverse();
  const nodeTest = node === '' ? ok(anything) : compileFqdn(node);
  if (!nodeTest.ok) return nodeTest;
  const clusterTest = cluster === '' ? ok(anything) : compileFqdn(cluster);
  if (!clusterTest.ok) return clusterTest;
  return ok((nodeName) => {
    if (nodeName === '') return false;
    const slash = nodeName.indexOf('/');
    const foundCluster = slash < 0 ? defaultCluster : nodeName.slice(0, slash);
    return clusterTest.value(foundCluster) && nodeTest.value(nodeName.slice(slash + 1));
  });
}

const anything = (): boolean => true;
