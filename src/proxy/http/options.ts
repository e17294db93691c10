import type { StringTest } from '../match/strings.ts';
import type { PreservedCase } from './header-case.ts';

/** What bounds the fields of a head or trailer section. */
export interface FieldOptions {
  /** Bytes of the whole head, from its first line to the empty one. */
  readonly maxBytes: number;
  /** Fields; those that become one count once. */
  readonly maxHeaders: number;
  readonly underscores: UnderscoreAction;
  /** The map remembers how names were written. */
  readonly preserve: PreservedCase | undefined;
}

/** What is allowed in the head of a message. */
export interface HeadOptions extends FieldOptions {
  /** Content-length beside `transfer-encoding: chunked` is dropped and no fault. */
  readonly allowChunkedLength: boolean;
}

export type UnderscoreAction = 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';

/** What a connection manager allows the head of a request. */
export interface RequestOptions extends HeadOptions {
  readonly allowAbsoluteUrl: boolean;
  readonly allowCustomMethods: boolean;
  readonly acceptHttp10: boolean;
  /** Authority of an HTTP/1.0 request that names none; empty for none. */
  readonly defaultHost10: string;
  /** Upgrades that are taken for ordinary requests. */
  readonly ignoredUpgrades: readonly StringTest[];
}
