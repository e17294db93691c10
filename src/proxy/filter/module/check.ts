import { fail, ok, type Result } from '../../../base/index.ts';
import type { Filter } from './api.ts';

const MEMBERS: readonly string[] = [
  'config',
  'onRequestHeaders',
  'onRequestBody',
  'onResponseHeaders',
  'onResponseBody',
  'onEnd',
] satisfies readonly (keyof Filter)[];

/** The filter that a module exports by default. */
export function checkExports(exports: Readonly<Record<string, unknown>>): Result<Filter<unknown>, string> {
  const filter = exports['default'];
  if (typeof filter !== 'object' || filter === null) {
    return fail('it has no filter: write "export default defineFilter({ ... })"');
  }
  for (const [name, member] of Object.entries(filter)) {
    if (!MEMBERS.includes(name)) return fail(`its filter has ${JSON.stringify(name)}; allowed: ${MEMBERS.join(', ')}`);
    if (typeof member !== 'function') return fail(`${name} of its filter is not a function`);
  }
  return ok(filter as Filter<unknown>);
}
