import { type Fields, list } from './facts.ts';
import type { Request } from './judge.ts';

type Headers = Request['headers'];

/** Whether the rule lets the request pass: every field that is set holds; expressions match whole values. */
export function httpMatches(rule: Fields, { path, method, authority, headers }: Request): boolean {
  const whole = (expression: unknown, value: string): boolean =>
    expression === undefined || new RegExp(`^(?:${String(expression)})$`).test(value);
  const header = (text: string): boolean => {
    const space = text.indexOf(' ');
    const name = (space < 0 ? text : text.slice(0, space).replace(/:$/, '')).toLowerCase();
    const value = headers[name];
    return space < 0 ? value !== undefined : value === text.slice(space + 1);
  };
  return (
    whole(rule['path'], path) &&
    whole(rule['method'], method) &&
    whole(rule['host'], authority) &&
    ((rule['headers'] ?? []) as readonly string[]).every(header) &&
    list(rule['headerMatches']).every((one) => one['mismatch'] !== undefined || isRight(one, headers))
  );
}

/** The headers after the actions of the rules that match, all of which act whichever of them let the request pass. */
export function headersAfter(rules: readonly Fields[], request: Request): Headers {
  let headers = request.headers;
  for (const rule of rules) {
    if (!httpMatches(rule, { ...request, headers })) continue;
    for (const one of list(rule['headerMatches'])) headers = isRight(one, headers) ? headers : corrected(one, headers);
  }
  return headers;
}

function isRight({ name, value }: Fields, headers: Headers): boolean {
  const present = headers[String(name).toLowerCase()];
  return value === undefined ? present !== undefined : present === value;
}

function corrected({ name, value, mismatch }: Fields, headers: Headers): Headers {
  const key = String(name).toLowerCase();
  const { [key]: present, ...rest } = headers;
  switch (mismatch) {
    case 'ADD':
      return { ...rest, [key]: present === undefined ? String(value) : `${present},${String(value)}` };
    case 'REPLACE':
      return { ...rest, [key]: String(value) };
    case 'DELETE':
      return rest;
    default:
      return headers;
  }
}
