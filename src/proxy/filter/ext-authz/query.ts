import { parseQuery, withQuery } from '../../match/query-params.ts';
import type { Field } from './verdict.ts';

/** A path whose query parameters were set and removed: all are written anew, sorted by name, as they were sent. */
export function changeQuery(path: string, set: readonly Field[], remove: readonly string[]): string {
  const params = parseQuery(path, (text) => text);
  for (const [name, value] of set) params.set(name, [value]);
  for (const name of remove) params.delete(name);
  return withQuery(path, params);
}

/** Whether a name or value may stand in a query as it is: unreserved characters and escapes (RFC 3986 2.3). */
export function isUrlEncoded(text: string): boolean {
  return /^(?:[A-Za-z0-9\-._~]|%[0-9A-Fa-f]{2})*$/.test(text);
}
