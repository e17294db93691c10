import { createHash, timingSafeEqual } from 'node:crypto';
import type { Fields } from '../../config/fields.ts';
import { decodeBase64 } from '../../http/base64.ts';
import { isHeaderValue, isToken } from '../../http/bytes.ts';
import { originalUri } from '../../http/original-uri.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { FilterKind, FilterStream, HeadVerdict } from '../filter.ts';
import { readUsers, type Users } from './users.ts';

const TYPE = 'envoy.extensions.filters.http.basic_auth.v3.BasicAuth';

class BasicAuthStats {
  allowed = 0;
  denied = 0;
}

const STATS = statsKind(BasicAuthStats, { allowed: counter('allowed'), denied: counter('denied') });

/** What a route may say instead of the filter. */
interface RouteUsers {
  readonly users: Users;
  /** What challenges name; empty: the URI that was asked for. */
  readonly realm: string;
}

interface BasicAuth extends RouteUsers {
  /** Header, in lower case, that tells the upstream who the user is; empty: none does. */
  readonly userHeader: string;
  /** Header, in lower case, that has the credentials. */
  readonly header: string;
  /** Requests without credentials of the scheme go on. */
  readonly allowMissing: boolean;
  /** Namespace of the metadata that says who the user is; undefined: none does. */
  readonly metadata: string | undefined;
  readonly stats: BasicAuthStats;
}

/** `envoy.filters.http.basic_auth`. */
export const basicAuthFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix, filterName }) => {
    const own: BasicAuth = {
      ...readRouteUsers(fields),
      userHeader: readHeaderName(fields, 'forward_username_header'),
      header: readHeaderName(fields, 'authentication_header') || 'authorization',
      allowMissing: fields.flag('allow_missing'),
      metadata: fields.flag('emit_dynamic_metadata') ? filterName : undefined,
      stats: stats.get(STATS, `${statPrefix}basic_auth.`),
    };
    return {
      type: TYPE,
      bind: ([override]) => {
        const route = override as RouteUsers | undefined;
        const config = route ? { ...own, users: route.users, realm: route.realm || own.realm } : own;
        return { shared: { request: { head: (stream) => judge(stream, config) } } };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute',
  readRoute: readRouteUsers,
};

function readRouteUsers(fields: Fields): RouteUsers {
  const realm = fields.text('realm');
  if (!isHeaderValue(realm)) fields.problem('realm', 'control characters are not allowed in a header value');
  return { users: readUsers(fields, 'users'), realm: Buffer.from(realm, 'utf8').toString('latin1') };
}

/** In lower case; empty where none is said. */
function readHeaderName(fields: Fields, key: string): string {
  const name = fields.text(key).toLowerCase();
  if (name !== '' && !isToken(name)) fields.problem(key, `${JSON.stringify(name)} is not a header name`);
  return name;
}

const SCHEME = 'Basic ';

function judge(stream: FilterStream, config: BasicAuth): HeadVerdict {
  const { stats, userHeader, allowMissing } = config;
  const { headers } = stream.head;
  const said = headers.get(config.header);
  const deny = (details: string, why: string): HeadVerdict => {
    stats.denied++;
    refuse(stream, config.realm, details, why);
    return 'stop';
  };
  if (allowMissing && !said?.startsWith(SCHEME)) return 'continue';
  if (said === undefined) return deny('no_credential_for_basic_auth', 'Missing username and password.');
  if (!said.startsWith(SCHEME)) {
    return deny('invalid_scheme_for_basic_auth', "Expected 'Basic' authentication scheme.");
  }
  const credentials = decodeBase64(said.slice(SCHEME.length)) ?? '';
  const colon = credentials.indexOf(':');
  if (colon < 0) return deny('invalid_format_for_basic_auth', 'Invalid basic credential format.');
  const user = credentials.slice(0, colon);
  if (!knows(config.users, user, credentials.slice(colon + 1))) {
    return deny('invalid_credential_for_basic_auth', 'Invalid username/password combination.');
  }
  if (userHeader !== '') headers.replace(userHeader, user);
  if (config.metadata !== undefined) stream.setMetadata(config.metadata, 'username', user);
  stats.allowed++;
  return 'continue';
}

function knows(users: Users, user: string, password: string): boolean {
  const wanted = users.get(user);
  const hash = createHash('sha1').update(password, 'latin1').digest('base64');
  return wanted !== undefined && timingSafeEqual(Buffer.from(hash), Buffer.from(wanted, 'latin1'));
}

function refuse(stream: FilterStream, ownRealm: string, details: string, why: string): void {
  const realm = ownRealm || originalUri(stream.head);
  stream.reply({
    status: 401,
    body: `User authentication failed. ${why}`,
    details,
    modify: (headers) => headers.set('www-authenticate', `Basic realm="${realm.replace(/["\\]/g, '\\$&')}"`),
  });
}
