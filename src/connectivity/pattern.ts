import { compileRe2, ok, type Result } from '../base/index.ts';

/** A test for RE2 syntax, found anywhere in the text. */
export function compilePattern(pattern: string): Result<(text: string) => boolean, string> {
  const compiled = compileRe2(pattern);
  if (!compiled.ok) return compiled;
  const regex = compiled.value;
  return ok((text) => regex.matcher(text).find());
}
