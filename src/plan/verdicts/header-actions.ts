import type { JsonObject } from '../node-plan.ts';
import { list } from './json.ts';

type Headers = Readonly<Record<string, string>>;

export function isHeaderActions(config: JsonObject): boolean {
  return String(config['@type']).endsWith('/ciliate.rbac.v3.HeaderActions');
}

/** What the actions leave of headers (names in lower case), and whether they let the request pass; see `readHeaderActions` of the data plane. */
export function afterActions(
  config: JsonObject,
  headers: Headers,
): { readonly passes: boolean; readonly headers: Headers } {
  const left: Record<string, string> = { ...headers };
  let passes = true;
  for (const action of list(config['headers'])) {
    const name = String(action['name']).toLowerCase();
    const value = String(action['value'] ?? '');
    const present = left[name];
    if (present !== undefined && (value === '' || present === value)) continue;
    switch (action['mismatch']) {
      case undefined:
        passes = false;
        break;
      case 'ADD':
        left[name] = present === undefined ? value : `${present},${value}`;
        break;
      case 'REPLACE':
        left[name] = value;
        break;
      case 'DELETE':
        delete left[name];
        break;
    }
  }
  return { passes, headers: left };
}
