import type { FilterStream } from '../filter.ts';
import type { HeaderNames } from '../header-names.ts';
import { sanitizedUtf8 } from '../utf8.ts';
import type { CheckContent } from './config.ts';

/** The name under which a server is told whether it has the whole body. */
const PARTIAL_BODY = 'x-envoy-auth-partial-body';

/** The body of a request as far as it goes along; undefined: it does not. */
export interface ToldBody {
  readonly bytes: Buffer;
  readonly partial: boolean;
}

export type ToldHeader = readonly [name: string, value: string];

/** Headers of a request that its check tells, with the fields of the request line, one by one as they came. */
export function toldHeaders(
  { head }: FilterStream,
  { disallowed }: CheckContent,
  allowed: HeaderNames | undefined,
  body: ToldBody | undefined,
): readonly ToldHeader[] {
  const all: ToldHeader[] = [];
  if (head.hasAuthority) all.push([':authority', head.authority]);
  if (head.path !== '') all.push([':path', head.path]);
  all.push([':method', head.method]);
  if (head.scheme !== '') all.push([':scheme', head.scheme]);
  all.push(...head.headers.list());
  const told = all.filter(
    ([name]) => name !== PARTIAL_BODY && !disallowed?.(name) && (allowed === undefined || allowed(name)),
  );
  if (body) told.push([PARTIAL_BODY, String(body.partial)]);
  return told;
}

/** The same as text, with one value for each name. */
export function mergedHeaders(told: readonly ToldHeader[]): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of told) {
    const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
    const text = sanitizedUtf8(value);
    merged[name] = before === undefined ? text : `${before},${text}`;
  }
  return merged;
}
