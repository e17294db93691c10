import type { Fields } from '../../config/fields.ts';
import { isToken } from '../../http/bytes.ts';
import type { HeaderMap } from '../../http/headers.ts';

/** The cookies of the filter by what they are for. */
const COOKIES = {
  bearer: ['bearer_token', 'BearerToken'],
  hmac: ['oauth_hmac', 'OauthHMAC'],
  expires: ['oauth_expires', 'OauthExpires'],
  idToken: ['id_token', 'IdToken'],
  refresh: ['refresh_token', 'RefreshToken'],
  nonce: ['oauth_nonce', 'OauthNonce'],
  verifier: ['code_verifier', 'CodeVerifier'],
} as const;
export type CookieKind = keyof typeof COOKIES;
const KINDS = Object.keys(COOKIES) as readonly CookieKind[];

export interface CookieSettings {
  readonly name: string;
  readonly path: string;
  /** What stands at the end of what sets it. */
  readonly attributes: string;
}

export interface CookieConfig {
  /** Empty: that of the host alone. */
  readonly domain: string;
  readonly of: Readonly<Record<CookieKind, CookieSettings>>;
}

const SAME_SITE = { DISABLED: '', STRICT: ';SameSite=Strict', LAX: ';SameSite=Lax', NONE: ';SameSite=None' } as const;
const PLAIN = { path: '/', attributes: '' };

/** Reads what `OAuth2Credentials` and `CookieConfigs` say of cookies. */
export function readCookies(credentials: Fields | undefined, fields: Fields): CookieConfig {
  const names = credentials?.message('cookie_names', (inner) =>
    Object.fromEntries(KINDS.map((kind) => [kind, readName(inner, COOKIES[kind][0])])),
  );
  const settings = fields.message('cookie_configs', (inner) =>
    Object.fromEntries(KINDS.map((kind) => [kind, inner.message(`${COOKIES[kind][0]}_cookie_config`, readSettings)])),
  );
  const of = KINDS.map((kind) => [
    kind,
    { ...PLAIN, ...settings?.[kind], name: names?.[kind] || COOKIES[kind][1] } satisfies CookieSettings,
  ]);
  return {
    domain: credentials?.text('cookie_domain') ?? '',
    of: Object.fromEntries(of) as Record<CookieKind, CookieSettings>,
  };
}

function readName(fields: Fields, key: string): string {
  const name = fields.text(key);
  if (name !== '' && !isToken(name)) fields.problem(key, `${JSON.stringify(name)} is not a name of a cookie`);
  return name;
}

function readSettings(fields: Fields): Omit<CookieSettings, 'name'> {
  const sameSite = fields.choice('same_site', ['DISABLED', 'STRICT', 'LAX', 'NONE']);
  const partitioned = fields.flag('partitioned') ? ';Partitioned' : '';
  return { path: fields.text('path') || '/', attributes: SAME_SITE[sameSite] + partitioned };
}

/** Of several cookies of one name the first counts. */
export function parseCookies(headers: HeaderMap): Map<string, string> {
  const found = new Map<string, string>();
  for (const text of headers.all('cookie')) {
    for (const part of text.split(';')) {
      const equals = part.indexOf('=');
      const name = part.slice(0, Math.max(0, equals)).trim();
      const value = part.slice(equals + 1).trim();
      const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
      if (equals >= 0 && !found.has(name)) found.set(name, quoted ? value.slice(1, -1) : value);
    }
  }
  return found;
}

export function writeCookies(headers: HeaderMap, cookies: ReadonlyMap<string, string>): void {
  headers.replace('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
}

/** A cookie of one round; those of older instances are of any. */
export const flowName = (name: string, flow: string): string => `${name}.${flow}`;

export function isOfFlow(cookie: string, name: string): boolean {
  return cookie === name || (cookie.startsWith(`${name}.`) && cookie.length > name.length + 1);
}

/** What sets a cookie for so many seconds. */
export function setCookie(
  { domain, of }: CookieConfig,
  kind: CookieKind,
  name: string,
  value: string,
  seconds: number,
): string {
  const { path, attributes } = of[kind];
  return `${name}=${value}${domain === '' ? '' : `;domain=${domain}`};path=${path};Max-Age=${seconds};secure;HttpOnly${attributes}`;
}

/** What takes it away; browsers let cookies with these names be touched by secure ones only. */
export function deleteCookie({ domain, of }: CookieConfig, kind: CookieKind, name: string, marked = true): string {
  const secure = marked && /^__(?:Secure|Host)-/.test(name) ? '; Secure' : '';
  const where = domain === '' ? '' : `;domain=${domain}`;
  return `${name}=deleted; path=${of[kind].path}; expires=Thu, 01 Jan 1970 00:00:00 GMT${where}${secure}`;
}
