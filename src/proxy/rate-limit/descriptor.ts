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
