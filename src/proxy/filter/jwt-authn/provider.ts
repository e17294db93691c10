import { readDataSource } from '../../config/data-source.ts';
import type { Fields } from '../../config/fields.ts';
import { isToken } from '../../http/bytes.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import type { FilterContext } from '../context.ts';
import { AudienceList } from './audiences.ts';
import { type ClaimHeader, readClaimHeader } from './claims.ts';
import { type Jwk, parseJwks } from './jwks.ts';
import { readRemoteJwks } from './remote-config.ts';
import { type JwksSource, localJwks, RemoteJwks } from './source.ts';
import type { JwtStats } from './stats.ts';
import { TokenCache } from './token-cache.ts';

/** Where tokens are looked for. Header names are in lower case. */
export interface TokenPlaces {
  readonly headers: readonly { readonly name: string; readonly prefix: string }[];
  readonly params: readonly string[];
  readonly cookies: readonly string[];
}

/** A compiled `envoy.extensions.filters.http.jwt_authn.v3.JwtProvider`. */
export interface Provider {
  readonly name: string;
  /** Empty: any. */
  readonly issuer: string;
  readonly audiences: AudienceList;
  readonly subjects: StringTest | undefined;
  /** A token must end within so many seconds; undefined: it need not end. */
  readonly maxLifetime: number | undefined;
  /** Seconds. */
  readonly clockSkew: number;
  readonly places: TokenPlaces;
  /** The token goes on to the upstream. */
  readonly forward: boolean;
  /** Header that gets the payload; empty: none. */
  readonly payloadHeader: string;
  readonly padsPayload: boolean;
  readonly claimHeaders: readonly ClaimHeader[];
  /** Keys of the dynamic metadata; empty: none. */
  readonly payloadMetadata: string;
  readonly headerMetadata: string;
  readonly failureMetadata: string;
  /** Claims that the metadata has as lists of words. */
  readonly spaceDelimited: readonly string[];
  readonly clearsRoute: boolean;
  readonly keys: JwksSource;
  readonly tokens: TokenCache;
}

const DEFAULT_PLACES: TokenPlaces = {
  headers: [{ name: 'authorization', prefix: 'Bearer ' }],
  params: ['access_token'],
  cookies: [],
};
const DEFAULT_CLOCK_SKEW = 60;

export function readProvider(fields: Fields, name: string, stats: JwtStats, { calls }: FilterContext): Provider {
  const lifetime = fields.duration('max_lifetime');
  const requiresEnd = fields.flag('require_expiration');
  return {
    name,
    issuer: latin1(fields.text('issuer')),
    audiences: new AudienceList(fields.strings('audiences').map(latin1)),
    subjects: fields.message('subjects', readStringMatcher),
    maxLifetime: lifetime === undefined ? (requiresEnd ? Number.POSITIVE_INFINITY : undefined) : lifetime / 1000,
    clockSkew: fields.number('clock_skew_seconds') || DEFAULT_CLOCK_SKEW,
    places: readPlaces(fields),
    forward: fields.flag('forward'),
    payloadHeader: readHeaderName(fields, 'forward_payload_header'),
    padsPayload: fields.flag('pad_forward_payload_header'),
    claimHeaders: fields.list('claim_to_headers', readClaimHeader),
    payloadMetadata: fields.text('payload_in_metadata'),
    headerMetadata: fields.text('header_in_metadata'),
    failureMetadata: fields.text('failed_status_in_metadata'),
    spaceDelimited:
      fields.message('normalize_payload_in_metadata', (inner) => inner.strings('space_delimited_claims')) ?? [],
    clearsRoute: fields.flag('clear_route_cache'),
    keys: readKeys(fields, stats, calls),
    tokens: new TokenCache(fields.message('jwt_cache_config', readCacheConfig)),
  };
}

const readCacheConfig = (fields: Fields): { readonly size: number; readonly maxToken: number } => ({
  size: fields.number('jwt_cache_size') || 100,
  maxToken: fields.number('jwt_max_token_size') || 4096,
});

function readKeys(fields: Fields, stats: JwtStats, calls: FilterContext['calls']): JwksSource {
  if (fields.oneOf('jwks_source_specifier', ['remote_jwks', 'local_jwks']) !== 'remote_jwks') {
    return localJwks(fields.message('local_jwks', readLocalKeys));
  }
  const config = fields.message('remote_jwks', readRemoteJwks);
  return config ? new RemoteJwks(config, calls, stats) : localJwks(undefined);
}

function readLocalKeys(fields: Fields): readonly Jwk[] | undefined {
  const text = readDataSource(fields);
  const keys = parseJwks(text);
  if (!keys && text !== '') fields.problem('', 'is no key set with a key that can be used');
  return keys;
}

function readPlaces(fields: Fields): TokenPlaces {
  const headers = fields.list('from_headers', (header) => ({
    name: readHeaderName(header, 'name'),
    prefix: latin1(header.text('value_prefix')),
  }));
  const params = fields.strings('from_params').map(latin1);
  const cookies = fields.strings('from_cookies').map(latin1);
  return headers.length + params.length + cookies.length === 0 ? DEFAULT_PLACES : { headers, params, cookies };
}

/** In lower case; empty where none is said. */
export function readHeaderName(fields: Fields, key: string): string {
  const name = fields.text(key).toLowerCase();
  if (name !== '' && !isToken(name)) fields.problem(key, `${JSON.stringify(name)} is not a header name`);
  return name;
}

/** Text of the configuration as that of requests. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
