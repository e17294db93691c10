import type { Fields } from '../config/fields.ts';
import type { Tlv } from './types.ts';

/** Whether TLVs of a type are passed on. */
export type TlvFilter = (type: number) => boolean;

/** Reads an `envoy.config.core.v3.ProxyProtocolPassThroughTLVs`. */
export function readPassThrough(fields: Fields): TlvFilter {
  const all = fields.choice('match_type', ['INCLUDE_ALL', 'INCLUDE']) === 'INCLUDE_ALL';
  const types = new Set(fields.numbers('tlv_type'));
  return all ? () => true : (type) => types.has(type);
}

/** Those that are passed on; undefined: none are. */
export function passedThrough(tlvs: readonly Tlv[], passes: TlvFilter | undefined): readonly Tlv[] {
  return passes ? tlvs.filter(({ type }) => passes(type)) : [];
}
