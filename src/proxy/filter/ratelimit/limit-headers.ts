import type { HeaderOption } from '../../rate-limit/descriptor.ts';
import { isField } from '../request-fields.ts';
import type { LimitStatus } from './answer.ts';

/**
 * `x-ratelimit-limit`, `-remaining` and `-reset` (draft-polli-ratelimit-headers-03) for the limit that has least left, with the windows of all whose
 * descriptor wants it. `options`: of the descriptors, in the order of the statuses.
 */
export function limitHeaders(
  statuses: readonly LimitStatus[],
  options: readonly HeaderOption[],
  byDefault: boolean,
): readonly (readonly [string, string])[] {
  const wanted = (at: number): boolean => {
    const option = options[at] ?? 'UNSPECIFIED';
    return option === 'DRAFT_VERSION_03' || (option === 'UNSPECIFIED' && byDefault);
  };
  let least = -1;
  let windows = '';
  for (const [at, { limit, remaining }] of statuses.entries()) {
    if (!limit) continue;
    if (least < 0 || remaining < (statuses[least]?.remaining ?? 0)) least = at;
    if (wanted(at) && limit.windowSeconds > 0)
      windows += `, ${limit.requests};w=${limit.windowSeconds}${nameOf(limit.name)}`;
  }
  const told = statuses[least];
  if (!told?.limit || !wanted(least)) return [];
  return [
    ['x-ratelimit-limit', `${told.limit.requests}${windows}`],
    ['x-ratelimit-remaining', String(told.remaining)],
    ['x-ratelimit-reset', String(told.reset)],
  ];
}

/** A name that may not stand in a header is left out. */
function nameOf(name: string): string {
  return name !== '' && isField('x', name) ? `;name="${name}"` : '';
}

/** Seconds until the last of the limits that were gone over has room again; undefined: none of them was told. */
export function retryAfter(statuses: readonly LimitStatus[]): number | undefined {
  const waits = statuses.flatMap(({ over, reset }) => (over ? [reset] : []));
  return waits.length === 0 ? undefined : Math.max(1, ...waits);
}
