import {
  bootstrap,
  cluster,
  endpoint,
  listener,
  manager,
  routeConfig,
  router,
  socketAddress,
  toCluster,
  typed,
} from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const SESSION = 'envoy.extensions.filters.http.stateful_session.v3';
const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const HEADER = typed('envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState', { name: 'X-Session' });
const cookie = (more: Json = {}): Json =>
  typed('envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState', {
    cookie: { name: 'sticky', ...more },
  });
/** Envoy goes by the name, not by the type. */
const state = (
  typed_config: Json,
  kind = String(typed_config['@type']).includes('.cookie.') ? 'cookie' : 'header',
): Json => ({
  session_state: { name: `envoy.http.stateful_session.${kind}`, typed_config },
});
const filter = (config: Json): Json => ({ name: 'session', typed_config: typed(`${SESSION}.StatefulSession`, config) });
const perRoute = (config: Json): Json => ({ session: typed(`${SESSION}.StatefulSessionPerRoute`, config) });
const mutation: Json = { name: 'mutation', typed_config: typed(MUTATION) };

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes as string, 'latin1').toString('base64');
const field = (tag: number, bytes: string): string => String.fromCharCode(tag, bytes.length) + bytes;
/** The cookie's message: an address, and when it is over. */
const cookieOf = (address: string, expires = ''): string => `sticky="${base64(field(0x0a, address) + expires)}"`;
const OVER = '\x10\x01';
const LATER = '\x10\xff\xff\xff\xff\xff\xff\x01';
/** Nobody is there, so that what is told of it is the same in every run. */
const FIXED = '127.9.9.9:9';

/** A route for each path that sets the header by which its requests name a host. */
const naming = (path: string, key: string, value: string, more: Json = {}, action: Json = {}): Json => ({
  ...toCluster('c0', action, { prefix: path }),
  // They hold addresses of the run.
  request_headers_to_remove: ['x-session', 'cookie'],
  typed_per_filter_config: {
    mutation: typed(`${MUTATION}PerRoute`, {
      mutations: {
        request_mutations: [{ append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } }],
      },
    }),
    ...more,
  },
});

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly routes?: (address: (index: number) => string) => readonly Json[];
  readonly health?: readonly string[];
  readonly cases: readonly Case[];
  readonly fixed?: boolean;
}

const addressOf =
  (places: Places) =>
  (index: number): string =>
    `${places.host}:${places.backend(index)}`;
type Routes = NonNullable<Row['routes']>;
const headerRoutes: Routes = (address) => [
  ...[0, 1, 2].map((index) => naming(`/b${index}`, 'x-session', base64(address(index)))),
  naming('/gone', 'x-session', base64('10.1.1.1:1')),
  naming('/noise', 'x-session', 'not base64'),
  naming('/unpadded', 'x-session', base64(address(0)).replace(/=+$/, '')),
  naming('/plain', 'x-session', address(0)),
];
const cookieRoutes: Routes = (address) => [
  ...[0, 1, 2].map((index) => naming(`/b${index}`, 'cookie', cookieOf(address(index)))),
  naming('/bare', 'cookie', cookieOf(address(1)).replaceAll('"', '')),
  naming('/second', 'cookie', `a=b; ${cookieOf(address(2))}; c=d`),
  naming('/over', 'cookie', cookieOf(address(1), OVER)),
  naming('/later', 'cookie', cookieOf(address(1), LATER)),
  naming('/gone', 'cookie', cookieOf('10.1.1.1:1')),
  naming('/noise', 'cookie', 'sticky=!!!'),
  naming('/plain', 'cookie', `sticky="${base64(address(1))}"`),
  naming('/other', 'cookie', cookieOf(address(1)).replace('sticky', 'other')),
];

function scenario({ name, config, routes = headerRoutes, health = [], fixed = false, cases }: Row): Scenario {
  return {
    feature: 'stateful_session',
    name,
    backends: ['http', 'http', 'http'],
    stats: [/stateful_session/],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          listener(places, 0, [
            manager(places, {
              http_filters: [mutation, filter(config), router()],
              route_config: routeConfig([...routes(addressOf(places)), toCluster()]),
            }),
          ]),
        ],
        [
          cluster(places, 0, [], {
            load_assignment: {
              cluster_name: 'c0',
              endpoints: [
                {
                  lb_endpoints: fixed
                    ? [{ endpoint: { address: socketAddress('127.9.9.9', 9) } }]
                    : hosts(places, health),
                },
              ],
            },
          }),
        ],
      ),
    cases,
  };
}
const hosts = (places: Places, health: readonly string[]): readonly Json[] =>
  [0, 1, 2].map((index) => ({ ...endpoint(places, index), ...(health[index] && { health_status: health[index] }) }));

const get = (path: string, name = path.slice(1), more: Partial<Case> = {}): Case => ({
  name,
  requests: [{ path }],
  ...more,
});
/** Any host may answer, and what the client is told holds an address of the run. */
const anywhere = (path: string, name: string): Case => ({ name, requests: [{ path }], repeat: 30, tolerance: 0.4 });
const sameHost: readonly Case[] = [0, 1, 2].map((index) => ({
  name: `host ${index}`,
  requests: Array.from({ length: 4 }, () => ({ path: `/b${index}` })),
}));

const refused = (name: string, config: Json, more: Json = {}): Scenario => ({
  ...scenario({ name: `configuration: ${name}`, config, routes: () => [{ ...toCluster(), ...more }], cases: [] }),
  validateOnly: true,
});
const ofRoute = (config: Json): Json => ({ typed_per_filter_config: perRoute(config) });
const told: readonly Case[] = [get('/x', 'nothing named'), get('/gone', 'another host named')];

export const scenarios: readonly Scenario[] = [
  scenario({
    name: 'by a header',
    config: { ...state(HEADER), stat_prefix: 'a' },
    cases: [
      ...sameHost,
      anywhere('/gone', 'a host that is gone'),
      anywhere('/noise', 'noise'),
      anywhere('/unpadded', 'no padding'),
      anywhere('/plain', 'no base64'),
    ],
  }),
  scenario({
    name: 'by a cookie',
    config: { ...state(cookie()), stat_prefix: 'a' },
    routes: cookieRoutes,
    cases: [
      ...sameHost,
      get('/bare', 'without quotes'),
      get('/second', 'behind another cookie'),
      get('/later', 'not over yet'),
      anywhere('/over', 'over'),
      anywhere('/gone', 'a host that is gone'),
      anywhere('/noise', 'noise'),
      anywhere('/plain', 'an address without its message'),
      anywhere('/other', 'a cookie of another name'),
    ],
  }),
  scenario({
    name: 'strict',
    config: { ...state(HEADER), strict: true, stat_prefix: 'a' },
    cases: [...sameHost, get('/gone', 'a host that is gone'), anywhere('/noise', 'noise')],
  }),
  scenario({
    name: 'strict with a status',
    config: { ...state(HEADER), strict: true, status_on_strict_destination_not_found: 410 },
    cases: [get('/b1', 'a host'), get('/gone', 'a host that is gone')],
  }),
  scenario({
    name: 'a status without being strict',
    config: { ...state(HEADER), status_on_strict_destination_not_found: 410 },
    cases: [anywhere('/gone', 'a host that is gone')],
  }),
  scenario({
    name: 'health',
    config: { ...state(HEADER), strict: true },
    health: ['HEALTHY', 'DEGRADED', 'UNHEALTHY'],
    cases: [get('/b0', 'healthy'), get('/b1', 'degraded'), get('/b2', 'unhealthy')],
  }),
  scenario({
    name: 'health, more of it',
    config: { ...state(HEADER), strict: true },
    health: ['UNKNOWN', 'DRAINING', 'TIMEOUT'],
    cases: [get('/b0', 'unknown'), get('/b1', 'draining'), get('/b2', 'timeout')],
  }),
  ...Object.entries({
    'a header': HEADER,
    'a cookie': cookie(),
    'a cookie with a path': cookie({ path: '/' }),
    'a cookie with attributes': cookie({
      path: '/',
      attributes: [{ name: 'Secure' }, { name: 'SameSite', value: 'Strict' }],
    }),
  }).map(([name, typed_config]) =>
    scenario({
      name: `what is told, ${name}`,
      config: { ...state(typed_config), stat_prefix: 'a' },
      fixed: true,
      routes: () => [
        naming(
          '/gone',
          name === 'a header' ? 'x-session' : 'cookie',
          name === 'a header' ? base64('10.1.1.1:1') : cookieOf('10.1.1.1:1'),
        ),
        naming(
          '/same',
          name === 'a header' ? 'x-session' : 'cookie',
          name === 'a header' ? base64(FIXED) : cookieOf(FIXED),
        ),
      ],
      cases: [...told, get('/same', 'the same host named')],
    }),
  ),
  ...['/a', '/a/'].map((path) =>
    scenario({
      name: `cookies of ${path}`,
      config: { ...state(cookie({ path })), stat_prefix: 'a' },
      fixed: true,
      routes: () => [],
      cases: ['/a', '/a/b', '/ab', '/a?b', '/', '/b/a'].map((one) => get(one, one)),
    }),
  ),
  scenario({ name: 'no state', config: { stat_prefix: 'a' }, fixed: true, routes: () => [], cases: told }),
  scenario({
    name: 'routes',
    config: { ...state(HEADER), stat_prefix: 'a' },
    fixed: true,
    routes: () => [
      naming('/off', 'x-session', base64('10.1.1.1:1'), perRoute({ disabled: true })),
      naming(
        '/cookie',
        'cookie',
        cookieOf('10.1.1.1:1'),
        perRoute({ stateful_session: { ...state(cookie()), stat_prefix: 'b' } }),
      ),
      naming(
        '/strict',
        'x-session',
        base64('10.1.1.1:1'),
        perRoute({ stateful_session: { ...state(HEADER), strict: true } }),
      ),
      naming('/none', 'x-session', base64('10.1.1.1:1'), perRoute({ stateful_session: {} })),
    ],
    cases: [get('/off'), get('/cookie'), get('/strict'), get('/none'), get('/x', 'as the filter says')],
  }),
  refused('no name of a cookie', state(cookie({ name: '' }))),
  refused('no cookie', state(typed('envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState'))),
  refused(
    'no name of a header',
    state(typed('envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState')),
  ),
  refused('a ttl below 0', state(cookie({ ttl: '-1s' }))),
  refused('a ttl', state(cookie({ ttl: '10s' }))),
  refused('an attribute without a name', state(cookie({ attributes: [{ value: 'x' }] }))),
  refused('another name', state(HEADER, 'other')),
  refused('the name of the other state', state(HEADER, 'cookie')),
  refused('nothing', {}),
  refused('a route that is not disabled', state(HEADER), ofRoute({ disabled: false })),
  refused('a route that says nothing', state(HEADER), ofRoute({})),
  refused('a route that is disabled', state(HEADER), ofRoute({ disabled: true })),
];
