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

const fqdnPattern = /^[-a-zA-Z0-9_.*]*$/;

/** A DNS name pattern: `*` stands for any run of name characters; case and a last dot do not count. */
export function compileFqdn(pattern: string): Result<(name: string) => boolean, string> {
  const normal = pattern.trim().toLowerCase().replace(/\.$/, '');
  if (!fqdnPattern.test(normal)) return fail(`invalid fqdn pattern: ${JSON.stringify(pattern)}`);
  const matches = wildcard(normal);
  return ok((name) => matches(name.toLowerCase().replace(/\.$/, '')));
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

/**
 * A node name pattern `[cluster/]node` against `[cluster/]node` of a flow, `default` being the cluster that is not written.
 * `cluster/` stands for every node of the cluster; a pattern without cluster is about the default cluster.
 */
export function compileNodeName(pattern: string): (nodeName: string) => boolean {
  const { cluster, node } = splitNodeName(pattern);
  const clusterMatches = wildcard(cluster);
  const nodeMatches = wildcard(node === '' ? '*' : node);
  return (nodeName) => {
    const found = splitNodeName(nodeName);
    return clusterMatches(found.cluster) && nodeMatches(found.node);
  };
}

function splitNodeName(name: string): { readonly cluster: string; readonly node: string } {
  const slash = name.indexOf('/');
  return slash < 0
    ? { cluster: 'default', node: name }
    : { cluster: name.slice(0, slash) || 'default', node: name.slice(slash + 1) };
}
