import { counter, statsKind } from '../stats/kind.ts';
import { UNDERSCORE } from './fault.ts';
import { facts } from './fields.ts';
import type { ParseOutcome } from './head.ts';

/** What the HTTP/1 codec counts, under `http1.` and `cluster.<name>.http1.`. */
export class Http1Stats {
  dropped = 0;
  rejected = 0;
}

/** Responses do not pile up here, since one request is served at a time, and HTTP/1 has no metadata. */
export const HTTP1_STATS = statsKind(
  Http1Stats,
  {
    dropped: counter('dropped_headers_with_underscores'),
    rejected: counter('requests_rejected_with_underscores_in_headers'),
  },
  { counters: ['metadata_not_supported_error', 'response_flood'] },
);

/** Counts what became of names with underscores in the head that was just read. */
export function countUnderscores(stats: Http1Stats, outcome: ParseOutcome): void {
  if (outcome === UNDERSCORE) stats.rejected++;
  else if (typeof outcome === 'number') stats.dropped += facts.dropped;
}
