import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { fail, ok, type Result } from './result.ts';

export type Re2 = RE2JS;

/**
 * Compiles an RE2 expression, which never takes more than linear time to match, or says why it is none.
 * The engine is loaded by the first expression.
 */
export function compileRe2(expression: string): Result<Re2, string> {
  const { RE2JS: engine } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    return ok(engine.compile(expression));
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
