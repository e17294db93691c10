import type { Fields } from '../../config/fields.ts';
import { readRuntimeFlag } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type StatsScope, sanitizeStatName } from '../../stats/store.ts';
import { type CompressorLibrary, type NamedLibrary, readCompressorLibrary } from '../compression/compressors.ts';
import { CHOICE_STATS, type ChoiceStats, DIRECTION_STATS, type DirectionStats } from './stats.ts';

/** When messages of one direction are worth it. */
export interface Direction {
  readonly enabled: () => boolean;
  /** Bytes; a message that says it is shorter is left as it is. */
  readonly minLength: number;
  /** Media types in lower case. */
  readonly types: ReadonlySet<string>;
  readonly stats: DirectionStats;
}

export interface ResponseDirection extends Direction {
  readonly skipsEtag: boolean;
  readonly weakensEtag: boolean;
  readonly removesAccept: boolean;
  readonly skippedStatuses: ReadonlySet<number>;
  /** `x-envoy-compression-status` says what was done, and why not. */
  readonly tellsStatus: boolean;
  readonly choiceStats: ChoiceStats;
}

export interface CompressorConfig {
  readonly library: CompressorLibrary;
  /** Undefined: requests stay as they are. */
  readonly request: Direction | undefined;
  /** Counts requests also where they stay as they are. */
  readonly requestStats: DirectionStats;
  readonly response: ResponseDirection;
  /** Is chosen before others of the same weight. */
  readonly chooseFirst: boolean;
}

/** What a route says instead; undefined: the filter's. */
export interface CompressorOverride {
  readonly enabled: boolean | undefined;
  readonly removesAccept: boolean | undefined;
  readonly library: CompressorLibrary | undefined;
}

const MIN_LENGTH = 30;
const TYPES: readonly string[] = [
  'text/html',
  'text/plain',
  'text/css',
  'application/javascript',
  'application/x-javascript',
  'text/javascript',
  'text/x-javascript',
  'text/ecmascript',
  'text/js',
  'text/jscript',
  'text/x-js',
  'application/ecmascript',
  'application/x-json',
  'application/xml',
  'application/json',
  'image/svg+xml',
  'text/xml',
  'application/xhtml+xml',
  'application/grpc-web',
  'application/grpc-web+proto',
];
/** Fields of the message itself that say what `response_direction_config` does where there is none. */
const OLD_FIELDS = [
  'content_length',
  'content_type',
  'disable_on_etag_header',
  'remove_accept_encoding_header',
  'runtime_enabled',
] as const;

interface Place {
  readonly runtime: Runtime;
  readonly stats: StatsScope;
  readonly statPrefix: string;
}

/** Reads `envoy.extensions.filters.http.compressor.v3.Compressor`. */
export function readCompressor(fields: Fields, { runtime, stats, statPrefix }: Place): CompressorConfig | undefined {
  const named = fields.message('compressor_library', readCompressorLibrary);
  if (!fields.has('compressor_library')) fields.problem('compressor_library', 'value is required');
  const prefix = prefixOf(statPrefix, named);
  const directionStats = (name: string): DirectionStats => stats.get(DIRECTION_STATS, `${prefix}${name}`);
  const has = fields.has('response_direction_config');
  const common = { stats: directionStats(has ? 'response.' : ''), runtime };
  const response = has
    ? fields.message('response_direction_config', (inner) => readResponse(inner, common))
    : readOldResponse(fields, common);
  if (has) fields.ignore(...OLD_FIELDS);
  const requestStats = directionStats('request.');
  const request = fields.message('request_direction_config', (inner) =>
    readCommonConfig(inner, { stats: requestStats, runtime }),
  );
  const chooseFirst = fields.flag('choose_first');
  if (!named || !response) return undefined;
  return {
    library: named.library,
    request,
    requestStats,
    response: { ...response, choiceStats: stats.get(CHOICE_STATS, prefix) },
    chooseFirst,
  };
}

function prefixOf(statPrefix: string, named: NamedLibrary<CompressorLibrary> | undefined): string {
  return `${statPrefix}compressor.${sanitizeStatName(named?.name ?? '')}.${named?.library.statName ?? ''}.`;
}

interface Common {
  readonly runtime: Runtime;
  readonly stats: DirectionStats;
}

type ReadResponse = Omit<ResponseDirection, 'choiceStats'>;

function readResponse(fields: Fields, common: Common): ReadResponse {
  return {
    ...readCommonConfig(fields, common),
    skipsEtag: fields.flag('disable_on_etag_header'),
    weakensEtag: fields.flag('weaken_etag_on_compress'),
    removesAccept: fields.flag('remove_accept_encoding_header'),
    skippedStatuses: readStatuses(fields),
    tellsStatus: fields.flag('status_header_enabled'),
  };
}

function readStatuses(fields: Fields): ReadonlySet<number> {
  const key = 'uncompressible_response_codes';
  const seen = new Set<number>();
  for (const [index, code] of fields.numbers(key).entries()) {
    const ok = Number.isInteger(code) && code >= 200 && code < 600 && !seen.has(code);
    if (!ok) fields.problem(`${key}[${index}]`, `found ${code}`, '200 to 599, each once');
    seen.add(code);
  }
  return seen;
}

function readCommonConfig(fields: Fields, common: Common): Direction {
  return (
    fields.message('common_config', (inner) => readDirection(inner, 'min_content_length', 'enabled', common)) ??
    directionOf(undefined, [], () => true, common)
  );
}

function readOldResponse(fields: Fields, common: Common): ReadResponse {
  return {
    ...readDirection(fields, 'content_length', 'runtime_enabled', common),
    skipsEtag: fields.flag('disable_on_etag_header'),
    weakensEtag: false,
    removesAccept: fields.flag('remove_accept_encoding_header'),
    skippedStatuses: new Set(),
    tellsStatus: false,
  };
}

function readDirection(fields: Fields, length: string, enabled: string, common: Common): Direction {
  const flag = fields.message(enabled, (inner) => readRuntimeFlag(inner, common.runtime));
  return directionOf(fields.number(length), fields.strings('content_type'), flag ?? (() => true), common);
}

function directionOf(
  length: number | undefined,
  types: readonly string[],
  enabled: () => boolean,
  { stats }: Common,
): Direction {
  const listed = types.length === 0 ? TYPES : types.map((type) => type.toLowerCase());
  return { enabled, minLength: length || MIN_LENGTH, types: new Set(listed), stats };
}

/** Reads `envoy.extensions.filters.http.compressor.v3.CompressorPerRoute`. */
export function readCompressorOverride(fields: Fields): CompressorOverride {
  if (fields.oneOf('override', ['disabled', 'overrides']) === 'disabled') {
    return { enabled: false, removesAccept: undefined, library: undefined };
  }
  const found = fields.message('overrides', (inner) => ({
    response: inner.message('response_direction_config', (response) => ({
      removesAccept: response.boolean('remove_accept_encoding_header'),
    })),
    library: inner.message('compressor_library', readCompressorLibrary)?.library,
  }));
  return {
    enabled: found?.response ? true : undefined,
    removesAccept: found?.response?.removesAccept,
    library: found?.library,
  };
}
