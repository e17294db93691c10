/** What a new process asks the one before, one JSON text a line. */
export type Ask =
  /** Hand over the listening sockets, and leave the address of the admin interface. */
  | { readonly kind: 'takeOver' }
  /** Accept nothing more and drain. */
  | { readonly kind: 'drain' }
  /** Tell the statistics. */
  | { readonly kind: 'stats' }
  /** End. */
  | { readonly kind: 'end' };

/** A part of the answer to `takeOver`; as many descriptors come with it as it has addresses. */
export interface SocketsPart {
  readonly addresses: readonly string[];
  readonly more: boolean;
  /** Of the first part. */
  readonly generation?: number;
  /** When the first process began, milliseconds since the epoch. */
  readonly startedAt?: number;
}

/** The answer to `stats`. */
export interface StatsAnswer {
  readonly counters: readonly (readonly [string, number])[];
  readonly gauges: readonly (readonly [string, number])[];
}

/** A line may not be longer: whoever sends more is no such process. */
export const MOST_LINE_BYTES = 64 * 1024 * 1024;
