import type { Fields } from '../../config/fields.ts';
import { compileFormat, type Formatter } from '../../format/substitution.ts';
import { parseAbsolute } from '../../http/authority.ts';
import { type HeaderTest, readHeaderMatcher } from '../../match/headers.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import { type RetryPolicy, readCoreRetryPolicy } from '../../route/retry.ts';
import { readSecretConfig } from '../../tls/secret.ts';
import type { Calls } from '../async/calls.ts';
import { NO_SERVER, readServerUri, type ServerUri } from '../async/server-uri.ts';
import type { FilterContext } from '../context.ts';
import { latin1 } from '../latin1.ts';
import { type CookieConfig, readCookies } from './cookies.ts';
import { OAUTH_STATS, type OAuthStats } from './stats.ts';
import { urlEncode } from './url.ts';

/** A compiled `envoy.extensions.filters.http.oauth2.v3.OAuth2Config`. Texts are latin1 text of their bytes, times in seconds. */
export interface OAuthConfig {
  readonly stats: OAuthStats;
  readonly calls: Calls;
  readonly tokenEndpoint: ServerUri;
  readonly retry: RetryPolicy | undefined;
  /** Without its query. */
  readonly authorizationUrl: string;
  /** Parameters that it is asked with each time, encoded. */
  readonly authorizationParams: ReadonlyMap<string, string>;
  readonly resources: string;
  /** Empty: who signs out stays signed in there. */
  readonly endSessionEndpoint: string;
  readonly clientId: string;
  /** Undefined: it has not come. */
  readonly clientSecret: () => string | undefined;
  readonly hmacSecret: () => string | undefined;
  readonly basicAuth: boolean;
  readonly redirectUri: Formatter;
  readonly isRedirect: StringTest;
  readonly isSignOut: StringTest;
  readonly passes: readonly HeaderTest[];
  readonly deniesRedirect: readonly HeaderTest[];
  readonly cookies: CookieConfig;
  readonly forwardsBearer: boolean;
  readonly keepsAuthorization: boolean;
  readonly usesRefresh: boolean;
  readonly sets: { readonly bearer: boolean; readonly idToken: boolean; readonly refresh: boolean };
  /** Tokens stand in cookies as they are. */
  readonly plainTokens: boolean;
  readonly defaultExpires: number;
  readonly defaultRefreshExpires: number;
  readonly nonceExpires: number;
  readonly verifierExpires: number;
}

const WEEK = 604_800;
const FLOW_SECONDS = 600;

/** Reads an `OAuth2Config`. */
export function readOAuth(fields: Fields, context: FilterContext): OAuthConfig {
  const scopes = fields.strings('auth_scopes');
  const prefix = fields.text('stat_prefix');
  const endSession = latin1(fields.text('end_session_endpoint'));
  if (endSession !== '' && !scopes.includes('openid')) {
    const message = 'OAuth2 filter: end session endpoint is only supported for OpenID Connect.';
    fields.problem('end_session_endpoint', message, 'auth_scopes with openid');
  }
  const seconds = (key: string, fallback: number): number => {
    const value = fields.duration(key);
    return value === undefined ? fallback : Math.floor(value / 1000);
  };
  const credentials = readCredentials(fields, context);
  const forwardsBearer = fields.flag('forward_bearer_token');
  const keepsAuthorization = fields.flag('preserve_authorization_header');
  if (forwardsBearer && keepsAuthorization)
    fields.problem(
      'preserve_authorization_header',
      'invalid OAuth2 configuration: at most one of forward_bearer_token and preserve_authorization_header may be set',
    );
  const endpoint = fields.message('token_endpoint', readServerUri);
  if (!endpoint) fields.problem('token_endpoint', 'value is required');
  return {
    stats: context.stats.get(OAUTH_STATS, context.statPrefix + (prefix === '' ? '' : `${prefix}.`)),
    calls: context.calls,
    tokenEndpoint: endpoint ?? NO_SERVER,
    retry: fields.message('retry_policy', readCoreRetryPolicy),
    ...readAuthorization(fields, credentials.clientId, scopes),
    resources: fields
      .strings('resources')
      .map((one) => `&resource=${urlEncode(latin1(one))}`)
      .join(''),
    endSessionEndpoint: endSession,
    ...credentials,
    basicAuth: fields.choice('auth_type', ['URL_ENCODED_BODY', 'BASIC_AUTH']) === 'BASIC_AUTH',
    redirectUri: readRedirectUri(fields),
    isRedirect: readPath(fields, 'redirect_path_matcher'),
    isSignOut: readPath(fields, 'signout_path'),
    passes: fields.list('pass_through_matcher', readHeaderMatcher),
    deniesRedirect: fields.list('deny_redirect_matcher', readHeaderMatcher),
    forwardsBearer,
    keepsAuthorization,
    usesRefresh: fields.boolean('use_refresh_token') ?? true,
    sets: {
      bearer: !fields.flag('disable_access_token_set_cookie'),
      idToken: !fields.flag('disable_id_token_set_cookie'),
      refresh: !fields.flag('disable_refresh_token_set_cookie'),
    },
    plainTokens: fields.flag('disable_token_encryption'),
    defaultExpires: seconds('default_expires_in', 0),
    defaultRefreshExpires: seconds('default_refresh_token_expires_in', WEEK),
    nonceExpires: seconds('csrf_token_expires_in', FLOW_SECONDS),
    verifierExpires: seconds('code_verifier_token_expires_in', FLOW_SECONDS),
  };
}

type Credentials = Pick<OAuthConfig, 'clientId' | 'clientSecret' | 'hmacSecret' | 'cookies'>;

function readCredentials(fields: Fields, { secrets }: FilterContext): Credentials {
  const none = (): undefined => undefined;
  const read = fields.message('credentials', (inner): Credentials => {
    const secret = (key: string): (() => string | undefined) => {
      const found = inner.message(key, (config) => readSecretConfig(config, 'generic_secret', secrets));
      if (!found) inner.problem(key, 'value is required');
      return found ?? none;
    };
    return {
      clientId: latin1(inner.required('client_id')),
      clientSecret: secret('token_secret'),
      hmacSecret: secret('hmac_secret'),
      cookies: readCookies(inner, fields),
    };
  });
  if (!read) fields.problem('credentials', 'value is required');
  return read ?? { clientId: '', clientSecret: none, hmacSecret: none, cookies: readCookies(undefined, fields) };
}

function readAuthorization(
  fields: Fields,
  clientId: string,
  scopes: readonly string[],
): Pick<OAuthConfig, 'authorizationUrl' | 'authorizationParams'> {
  const endpoint = fields.required('authorization_endpoint');
  const parsed = parseAbsolute(endpoint);
  if (!parsed || !/^[\x21-\x7e]*$/.test(endpoint)) {
    fields.problem(
      'authorization_endpoint',
      `OAuth2 filter: invalid authorization endpoint URL '${endpoint}' in config.`,
    );
  }
  const rest = parsed?.rest ?? '';
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  const params = new Map<string, string>();
  for (const pair of mark < 0 ? [] : rest.slice(mark + 1).split('&')) {
    const equals = pair.indexOf('=');
    if (pair !== '') params.set(equals < 0 ? pair : pair.slice(0, equals), equals < 0 ? '' : pair.slice(equals + 1));
  }
  params.set('client_id', clientId);
  params.set('response_type', 'code');
  params.set('scope', urlEncode(latin1(scopes.length === 0 ? 'user' : scopes.join(' '))));
  return {
    authorizationUrl: `${parsed?.scheme ?? ''}://${parsed?.authority ?? ''}${path === '' ? '/' : path}`,
    authorizationParams: params,
  };
}

function readRedirectUri(fields: Fields): Formatter {
  const compiled = compileFormat(latin1(fields.required('redirect_uri')));
  if (compiled.ok) return compiled.value;
  fields.problem('redirect_uri', compiled.error);
  return () => '';
}

/** Reads an `envoy.type.matcher.v3.PathMatcher`: it looks at the path without query and fragment. */
function readPath(fields: Fields, key: string): StringTest {
  const test = fields.message(key, (inner) => {
    if (!inner.has('path')) inner.problem('path', 'value is required');
    return inner.message('path', readStringMatcher);
  });
  if (!test) fields.problem(key, 'value is required');
  return (path) => test?.(/^[^?#]*/.exec(path)?.[0] ?? '') ?? false;
}
