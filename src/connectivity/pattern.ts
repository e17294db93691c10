import { createRequire } from 'node:module';
import { fail, ok, type Result } from '../base/index.ts';

/** A test for RE2 syntax, found anywhere in the text. */
export function compilePattern(pattern: string): Result<(text: string) => boolean, string> {
  const { RE2JS } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    const regex = RE2JS.compile(pattern);
    return ok((text) => regex.matcher(text).find());
  } catch (error) {
    return fail((error as Error).message);
  }
}
