import { fail, ok, type Result } from '../base/index.ts';
import { compilePattern } from './pattern.ts';

/** Says which `test/scenario` names run. */
export interface TestFilter {
  readonly runs: (name: string) => boolean;
}

/**
 * Compiles `--test` values: regular expressions (RE2), joined by commas, found anywhere in `test/scenario`. With `!` in
 * front they skip. A skip wins over a run; without a run expression everything runs.
 */
export function compileTestFilter(values: readonly string[]): Result<TestFilter, string> {
  const run: ((name: string) => boolean)[] = [];
  const skip: ((name: string) => boolean)[] = [];
  for (const text of values.flatMap((value) => value.split(',')).map((part) => part.trim())) {
    if (text === '') continue;
    const negative = text.startsWith('!');
    const compiled = compilePattern(negative ? text.slice(1) : text);
    if (!compiled.ok) return fail(`--test ${JSON.stringify(text)}: ${compiled.error}`);
    (negative ? skip : run).push(compiled.value);
  }
  return ok({
    runs: (name) =>
      !skip.some((matches) => matches(name)) && (run.length === 0 || run.some((matches) => matches(name))),
  });
}
