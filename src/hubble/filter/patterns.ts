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

/** A DNS name pattern in which `*` stands for any run of `[-.0-9a-z]`; case and one last dot of the pattern do not count. */
export function compileFqdn(pattern: string): Result<(name: string) => boolean, string> {
  const source = nameRegex(pattern);
  return source.ok ? compileWhole(source.value) : source;
}

function nameRegex(pattern: string): Result<string, string> {
  const normal = pattern.trim().replace(/\.$/, '').toLowerCase();
  if (normal === '') return fail('empty pattern');
  if (normal.endsWith('.')) return fail('multiple trailing dots in pattern');
  const wrong = /[^-0-9_a-z.*]/u.exec(normal)?.[0];
  if (wrong !== undefined) return fail(`'${wrong}': invalid rune in pattern`);
  return ok(normal.replaceAll('.', '\\.').replaceAll('*', '[-.0-9a-z]*'));
}

function compileWhole(source: string): Result<(text: string) => boolean, string> {
  if (source.length > 2 * longestPattern) return fail(`pattern is longer than ${longestPattern} characters`);
  const compiled = compileRe2(source);
  return compiled.ok ? ok((text) => compiled.value.matcher(text).matches()) : compiled;
}

const anyName = '(?:[-0-9_a-z]+(?:\\.[-0-9_a-z]+)*)';

/**
 * A node name pattern `[cluster/][node]` against `[cluster/]node` of a flow, `default` being the cluster that a flow does not
 * write. What the pattern leaves out may be anything.
 */
export function compileNodeName(pattern: string): Result<(nodeName: string) => boolean, string> {
  if (pattern === '') return fail('empty pattern');
  const parts = pattern.split('/');
  if (parts.length > 2) return fail('too many slashes in pattern');
  const [cluster = '', node = ''] = parts.length === 2 ? parts : ['', ...parts];
  const sources: string[] = [];
  for (const part of [cluster, node]) {
    const source = part === '' ? ok(anyName) : nameRegex(part);
    if (!source.ok) return source;
    sources.push(source.value);
  }
  const whole = compileWhole(sources.join('/'));
  if (!whole.ok) return whole;
  return ok((name) => name !== '' && whole.value(name.includes('/') ? name : `default/${name}`));
}
