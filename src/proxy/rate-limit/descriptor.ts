/** A pair that says something of a request. */
export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}

/** Whether response headers tell of the limit; `UNSPECIFIED` leaves it to the filter. */
export type HeaderOption = 'UNSPECIFIED' | 'OFF' | 'DRAFT_VERSION_03';

/** What a request counts as. */
export interface Descriptor {
  readonly entries: readonly DescriptorEntry[];
  readonly hits: number;
  /** The hits are given back. */
  readonly negative: boolean;
  readonly option: HeaderOption;
}

export const LIMIT_UNITS = ['SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR'] as const;

/** What a request counts as in the eyes of a rate limit service. */
export interface ToldDescriptor {
  readonly entries: readonly DescriptorEntry[];
  /** Undefined: the service takes one. */
  readonly hits: number | undefined;
  readonly negative: boolean;
  /** Takes the place of the limit that the service has. */
  readonly limit: { readonly requests: number; readonly unit: (typeof LIMIT_UNITS)[number] } | undefined;
  readonly option: HeaderOption;
}
