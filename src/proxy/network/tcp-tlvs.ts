import type { Fields } from '../config/fields.ts';
import { readFormatString } from '../format/format-string.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Tlv } from '../proxy-protocol/types.ts';

type TlvOf = (info: StreamInfo) => Tlv;

/** What a TCP proxy adds to what hosts are told of a client. */
export interface AddedTlvs {
  /** Those for a connection. */
  tlvs(info: StreamInfo): readonly Tlv[];
  /** What its hosts are told where the client's own header came with TLVs. */
  merge(sent: readonly Tlv[], added: readonly Tlv[]): readonly Tlv[];
}

/** Reads `proxy_protocol_tlvs` and how they go together with those of a header. */
export function readAddedTlvs(fields: Fields): AddedTlvs {
  const entries = fields.list('proxy_protocol_tlvs', readEntry);
  const policy = fields.choice('proxy_protocol_tlv_merge_policy', [
    'ADD_IF_ABSENT',
    'OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD',
    'APPEND_IF_EXISTS_OR_ADD',
  ]);
  return { tlvs: (info) => entries.map((entry) => entry(info)), merge: MERGES[policy] };
}

const MERGES = {
  ADD_IF_ABSENT: (sent) => sent,
  OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD: (sent, added) => {
    const types = new Set(added.map(({ type }) => type));
    return [...added, ...sent.filter(({ type }) => !types.has(type))];
  },
  APPEND_IF_EXISTS_OR_ADD: (sent, added) => [...sent, ...added],
} satisfies Record<string, AddedTlvs['merge']>;

function readEntry(fields: Fields): TlvOf {
  const type = fields.number('type') ?? 0;
  const format = fields.message('format_string', readFormatString);
  const value = Buffer.from(fields.text('value'), 'base64');
  if ((format !== undefined) === value.length > 0)
    fields.problem('', "exactly one of 'value' or 'format_string' must be set");
  const fixed = { type, value };
  return format ? (info) => ({ type, value: Buffer.from(format.text(info), 'latin1') }) : () => fixed;
}
