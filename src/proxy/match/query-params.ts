import { percentDecode } from './query.ts';

/** Query parameters: values by name. */
export type Params = Map<string, string[]>;

/** The parameters of a path with its query, decoded unless said otherwise. As in Envoy an empty last one is none, an empty one before is. */
export function parseQuery(path: string, decode = percentDecode): Params {
  const params: Params = new Map();
  const mark = path.indexOf('?');
  if (mark < 0) return params;
  for (let start = mark + 1; start < path.length; ) {
    const next = path.indexOf('&', start);
    const end = next < 0 ? path.length : next;
    const pair = path.slice(start, end);
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    const values = params.get(name);
    if (values) values.push(value);
    else params.set(name, [value]);
    start = end + 1;
  }
  return params;
}

/** The path with these parameters instead of its own: Envoy writes all of them anew, sorted by name. */
export function withQuery(path: string, params: Params): string {
  const names = [...params.keys()].sort();
  const pairs = names.flatMap((name) => (params.get(name) ?? []).map((value) => `${name}=${value}`));
  const mark = path.indexOf('?');
  const base = mark < 0 ? path : path.slice(0, mark);
  return pairs.length === 0 ? base : `${base}?${pairs.join('&')}`;
}
