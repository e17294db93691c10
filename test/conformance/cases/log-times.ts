import {
  bootstrap,
  cluster,
  fileLog,
  listener,
  manager,
  routeConfig,
  router,
  simple,
  toCluster,
  typed,
} from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const format =
  '%ACCESS_LOG_TYPE% %RESPONSE_CODE% %REQ(:PATH)% "%ROUTE_NAME%" %UPSTREAM_CLUSTER% %UPSTREAM_HOST% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %RESPONSE_CODE_DETAILS% %REQ(X-Added)% %PROTOCOL% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\n';

const fault: Json = {
  name: 'fault',
  typed_config: typed('envoy.extensions.filters.http.fault.v3.HTTPFault', {
    abort: { header_abort: {}, percentage: { numerator: 100 } },
  }),
};

const served = (places: Places, config: Json): Json =>
  bootstrap(
    places,
    [
      listener(places, 0, [
        manager(places, {
          access_log: [fileLog(places, format)],
          http_filters: [fault, router()],
          upgrade_configs: [{ upgrade_type: 'websocket' }],
          route_config: routeConfig([
            { match: { prefix: '/direct' }, name: 'direct', direct_response: { status: 200 } },
            { ...toCluster('c1', {}, { prefix: '/refused' }), name: 'refused' },
            {
              ...toCluster('c0', { prefix_rewrite: '/new' }),
              name: 'all',
              request_headers_to_add: [{ header: { key: 'X-Added', value: 'yes' } }],
            },
          ]),
          ...config,
        }),
      ]),
    ],
    [cluster(places, 0), cluster(places, 1)],
  );

const upgrade = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
const switched = { raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n' };

const cases: readonly Case[] = [
  { name: 'GET', requests: [{}] },
  { name: 'POST', requests: [{ method: 'POST', body: 'hello' }] },
  { name: 'a direct response', requests: [{ path: '/direct' }] },
  { name: 'refused', requests: [{ path: '/refused' }] },
  { name: 'no host', requests: [{ host: null }] },
  { name: 'no HTTP', requests: ['nonsense\r\n\r\n'], without: ['fate', 'stats'] },
  { name: 'aborted by a filter', requests: [{ headers: { 'x-envoy-fault-abort-request': '418' } }] },
  { name: 'redirected path', requests: [{ path: '//a/../b' }] },
  {
    name: 'slow',
    requests: [{}],
    backends: { 0: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na' }, { raw: 'b', afterMs: 450 }] }] },
  },
  {
    name: 'a tunnel',
    steps: [{ send: upgrade }, { awaitBytes: 60 }, { sleep: 50 }, { do: 'close' }, { sleep: 60 }],
    responses: 0,
    timeoutMs: 100,
    backends: { 0: [switched] },
    without: ['stats', 'fate', 'backends'],
  },
  {
    name: 'a tunnel that is refused',
    requests: [upgrade],
    without: ['stats', 'fate', 'backends'],
  },
];

const options = (inner: Json): Json => ({ access_log_options: inner });

export const scenarios: readonly Scenario[] = [
  ...Object.entries<Json>({
    'at the start': options({ flush_access_log_on_new_request: true }),
    'now and then': options({ access_log_flush_interval: '0.3s' }),
    'of a tunnel': options({ flush_log_on_tunnel_successfully_established: true }),
    'at every time': options({
      flush_access_log_on_new_request: true,
      access_log_flush_interval: '0.3s',
      flush_log_on_tunnel_successfully_established: true,
    }),
    'at the start by the old field': { flush_access_log_on_new_request: true },
    'now and then by the old field': { access_log_flush_interval: '0.3s' },
  }).map(
    ([name, config]): Scenario => ({
      feature: 'access log times',
      name,
      stats: false,
      backends: ['http', 'closed'],
      bootstrap: (places) => served(places, config),
      cases,
    }),
  ),
  ...Object.entries<Json>({
    'a short interval': options({ access_log_flush_interval: '0.0001s' }),
    'an interval of a millisecond': options({ access_log_flush_interval: '0.001s' }),
    'an interval of 0': options({ access_log_flush_interval: '0s' }),
    'a short interval by the old field': { access_log_flush_interval: '0.0001s' },
    'old and new': { ...options({ flush_access_log_on_new_request: true }), flush_access_log_on_new_request: true },
    'old and empty new': { ...options({}), access_log_flush_interval: '1s' },
  }).map(
    ([name, config]): Scenario => ({
      feature: 'access log times',
      name,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: config }),
      cases: [],
    }),
  ),
];
