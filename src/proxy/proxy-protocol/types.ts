import type { Peer } from '../http/stream-info.ts';

/** An extension of a header of version 2: a type of up to 255 and its value. */
export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

/** Both ends of a connection, as a header of the PROXY protocol tells them. */
export interface ProxiedEnds {
  readonly source: Peer;
  readonly destination: Peer;
}

/** What the host of a connection or request may be told of its client. */
export interface ClientOfConnection extends ProxiedEnds {
  readonly tlvs: readonly Tlv[];
}

/** A complete header. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Bytes that it takes. */
  readonly length: number;
  /** Undefined: it speaks of its own connection (`LOCAL`, `UNKNOWN`). */
  readonly ends: ProxiedEnds | undefined;
  readonly tlvs: readonly Tlv[];
}
