import type { Fields, JsonObject } from '../config/fields.ts';
import { sanitizedUtf8 } from '../filter/utf8.ts';
import { MetadataNote, type Noted } from '../http/dynamic-metadata.ts';
import { passedThrough, readPassThrough, type TlvFilter } from '../proxy-protocol/pass-through.ts';
import { mayStartWith, readProxyHeader, V1_SIGNATURE, V2_SIGNATURE, versionOf } from '../proxy-protocol/read.ts';
import type { ProxyHeader, Tlv } from '../proxy-protocol/types.ts';
import { counter, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Found, FoundProxied, Inspector, Look } from './inspection.ts';

const NAMESPACE = 'envoy.filters.listener.proxy_protocol';
/** Key of the filter state that rules write to. */
const TLV_STATE = 'envoy.network.proxy_protocol.tlv';

/** Counters under `proxy_proto.[PREFIX.]`. */
class ProxyProtocolStats {
  absentAllowed = 0;
  absentDisallowed = 0;
  v1Found = 0;
  v1Disallowed = 0;
  v1Error = 0;
  v2Found = 0;
  v2Disallowed = 0;
  v2Error = 0;
}

const PROXY_PROTOCOL_STATS = statsKind(ProxyProtocolStats, {
  absentAllowed: counter('not_found_allowed'),
  absentDisallowed: counter('not_found_disallowed'),
  v1Found: counter('versions.v1.found'),
  v1Disallowed: counter('versions.v1.disallowed'),
  v1Error: counter('versions.v1.error'),
  v2Found: counter('versions.v2.found'),
  v2Disallowed: counter('versions.v2.disallowed'),
  v2Error: counter('versions.v2.error'),
});

/** The counter of older releases, of all such filters together. */
class OldStats {
  error = 0;
}

const OLD_STATS = statsKind(OldStats, { error: counter('downstream_cx_proxy_proto_error') });

type Version = 1 | 2;
type Kept = Pick<FoundProxied, 'noted' | 'state'>;
/** Adds what rules ask for to what is kept already. */
type Write = (tlvs: readonly Tlv[], kept: Kept) => Kept;

interface Config {
  readonly needsHeader: boolean;
  readonly disallowed: ReadonlySet<Version>;
  readonly passes: TlvFilter | undefined;
  readonly write: Write;
  readonly stats: ProxyProtocolStats;
  readonly old: OldStats;
}

/**
 * `envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol`: takes a header of the PROXY protocol off a connection, whose
 * ends are then those that it tells. Without a header, or with a broken one, nobody serves the connection, unless it is allowed.
 */
export function readProxyProtocol(fields: Fields, stats: StatsScope): Inspector {
  const prefix = fields.text('stat_prefix');
  const names = fields.strings('disallowed_versions');
  const disallowed = new Set<Version>(names.map((name) => (name === 'V1' ? 1 : 2)));
  if (disallowed.size === 2) {
    fields.problem('disallowed_versions', 'the filter is misconfigured: all PROXY protocol versions are disallowed');
  }
  const config: Config = {
    needsHeader: !fields.flag('allow_requests_without_proxy_protocol'),
    disallowed,
    passes: fields.message('pass_through_tlvs', readPassThrough),
    write: readRules(fields),
    stats: stats.get(PROXY_PROTOCOL_STATS, prefix === '' ? 'proxy_proto.' : `proxy_proto.${prefix}.`),
    old: stats.get(OLD_STATS, ''),
  };
  const look: Look = (bytes, found) => lookForHeader(config, bytes, found);
  return () => look;
}

function lookForHeader(config: Config, bytes: Buffer, found: Found): ReturnType<Look> {
  const { stats, disallowed } = config;
  if (!config.needsHeader && !mayBegin(bytes, disallowed)) {
    stats.absentAllowed++;
    return 'done';
  }
  const version = versionOf(bytes);
  if (version === 'more') return 'more';
  if (version === 'absent') {
    stats.absentDisallowed++;
    config.old.error++;
    return 'close';
  }
  if (disallowed.has(version)) {
    stats[`v${version}Found`]++;
    stats[`v${version}Disallowed`]++;
    return 'close';
  }
  const header = readProxyHeader(bytes, version);
  if (header === 'more') return 'more';
  if (header === 'broken') {
    stats[`v${version}Error`]++;
    config.old.error++;
    return 'close';
  }
  stats[`v${version}Found`]++;
  take(config, header, found);
  return header.length;
}

/** Whether a header of an allowed version may begin with the bytes. */
function mayBegin(bytes: Buffer, disallowed: ReadonlySet<Version>): boolean {
  if (!disallowed.has(1) && mayStartWith(bytes, V1_SIGNATURE)) return true;
  return !disallowed.has(2) && mayStartWith(bytes, V2_SIGNATURE);
}

function take({ passes, write }: Config, { ends, tlvs }: ProxyHeader, found: Found): void {
  const before = found.proxied;
  found.proxied = {
    ends: ends ?? before?.ends,
    // Of several headers the first has the word on what hosts are told.
    told: before?.told ?? { ends, tlvs: copies(tlvs, passes) },
    ...write(tlvs, { noted: before?.noted, state: before?.state }),
  };
}

/** The bytes are the socket's. */
function copies(tlvs: readonly Tlv[], passes: TlvFilter | undefined): readonly Tlv[] {
  return passedThrough(tlvs, passes).map(({ type, value }) => ({ type, value: Buffer.from(value) }));
}

interface Rule {
  readonly namespace: string;
  readonly key: string;
  readonly base64: boolean;
}

/** Of several rules for a type the last holds. */
function readRules(fields: Fields): Write {
  const rules = new Map<number, Rule>();
  fields.list('rules', (rule) => {
    const type = rule.number('tlv_type') ?? 0;
    rules.set(type, rule.message('on_tlv_present', readRule) ?? { namespace: NAMESPACE, key: '', base64: false });
  });
  const toState = fields.choice('tlv_location', ['DYNAMIC_METADATA', 'FILTER_STATE']) === 'FILTER_STATE';
  if (rules.size === 0) return (_tlvs, kept) => kept;
  return (tlvs, { noted, state }) => {
    const kept = { noted, state };
    for (const { type, value } of tlvs) {
      const rule = rules.get(type);
      if (!rule) continue;
      const text = textOf(value, rule);
      if (toState) kept.state = withValue(kept.state, rule.key, text);
      else kept.noted = withNote(kept.noted, rule, text);
    }
    return kept;
  };
}

function readRule(fields: Fields): Rule {
  const encoding = fields.choice('value_string_encoding', ['UNSPECIFIED', 'SANITIZED_UTF8', 'BASE64']);
  return {
    namespace: fields.text('metadata_namespace') || NAMESPACE,
    key: fields.text('key'),
    base64: encoding === 'BASE64',
  };
}

/** Latin1 text of its UTF-8, as headers are, so that logs and matchers take it as they take those. */
function textOf(value: Buffer, { base64 }: Rule): string {
  if (base64) return value.toString('base64');
  return Buffer.from(sanitizedUtf8(value.toString('latin1')), 'utf8').toString('latin1');
}

/** The last value of a key stands. */
function withValue(state: JsonObject | undefined, key: string, text: string): JsonObject {
  return { [TLV_STATE]: { ...(state?.[TLV_STATE] as JsonObject | undefined), [key]: text } };
}

/** The first value of a key stands. */
function withNote(noted: Noted | undefined, { namespace, key }: Rule, text: string): Noted {
  for (let one = noted; one; one = one.before) {
    if (one.note.namespace === namespace && one.note.key === key) return noted as Noted;
  }
  return new MetadataNote(namespace, key, text).addTo(noted);
}
