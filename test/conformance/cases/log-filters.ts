import { bootstrap, cluster, fileLog, listener, manager, simple, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario } from '../types.ts';

const reply = (status: number, headers = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n${headers}\r\n`,
});

const cases: readonly Case[] = [
  { name: '200', requests: [{ headers: { 'X-Log': 'yes please' } }] },
  { name: '404 of the upstream', requests: [{}], backends: { 0: [reply(404)] } },
  { name: '500 of the upstream', requests: [{}], backends: { 0: [reply(500)] } },
  { name: 'no route', requests: [{ host: 'unknown.test' }] },
  { name: 'refused', requests: [{ path: '/refused' }] },
  { name: 'slow', requests: [{}], backends: { 0: [{ raw: [{ raw: 'HTTP/1.1 204 X\r\n\r\n', afterMs: 120 }] }] } },
  {
    name: 'gRPC 0',
    requests: [{ headers: { 'Content-Type': 'application/grpc' } }],
    backends: { 0: [reply(200, 'content-type: application/grpc\r\ngrpc-status: 0\r\n')] },
  },
  {
    name: 'gRPC 5',
    requests: [{ headers: { 'Content-Type': 'application/grpc' } }],
    backends: { 0: [reply(200, 'content-type: application/grpc\r\ngrpc-status: 5\r\n')] },
  },
  {
    name: 'a header twice',
    requests: [
      {
        headers: [
          ['X-Log', 'a'],
          ['X-Log', 'b'],
        ],
      },
    ],
  },
  { name: 'marked for tracing', requests: [{ headers: { 'X-Request-Id': '11111111-1111-9111-8111-111111111111' } }] },
];

const comparison = (op: string, value: number): Json => ({
  comparison: { op, value: { default_value: value, runtime_key: 'x' } },
});
const status = (op: string, value: number): Json => ({ status_code_filter: comparison(op, value) });
const header = (matcher: Json): Json => ({ header_filter: { header: { name: 'X-Log', ...matcher } } });
const percent = (numerator: number, denominator = 'HUNDRED'): Json => ({
  runtime_filter: { runtime_key: 'y', percent_sampled: { numerator, denominator }, use_independent_randomness: true },
});

const filters: Readonly<Record<string, Json>> = {
  'status equals 200': status('EQ', 200),
  'status at least 404': status('GE', 404),
  'status at most 204': status('LE', 204),
  'status is not 200': status('NE', 200),
  'status equals 0': status('EQ', 0),
  'at least 100 ms': { duration_filter: comparison('GE', 100) },
  'at most 100 ms': { duration_filter: comparison('LE', 100) },
  'no health check': { not_health_check_filter: {} },
  traceable: { traceable_filter: {} },
  never: percent(0),
  always: percent(100),
  'always of a million': percent(1_000_000, 'MILLION'),
  'both of two': { and_filter: { filters: [status('GE', 400), status('NE', 404)] } },
  'one of two': { or_filter: { filters: [status('EQ', 500), header({ present_match: true })] } },
  nested: {
    or_filter: { filters: [{ and_filter: { filters: [status('GE', 200), status('LE', 299)] } }, status('EQ', 503)] },
  },
  'header present': header({ present_match: true }),
  'header absent': header({ present_match: false }),
  'header exactly': header({ string_match: { exact: 'yes please' } }),
  'header of two values': header({ string_match: { exact: 'a,b' } }),
  'header by regex': header({ string_match: { safe_regex: { regex: 'y.*' } } }),
  'header inverted': header({ string_match: { prefix: 'yes' }, invert_match: true }),
  'any flag': { response_flag_filter: {} },
  'flag NR': { response_flag_filter: { flags: ['NR'] } },
  'flag UF or NR': { response_flag_filter: { flags: ['UF', 'NR'] } },
  'gRPC not found': { grpc_status_filter: { statuses: ['NOT_FOUND'] } },
  'gRPC all but OK': { grpc_status_filter: { statuses: ['OK'], exclude: true } },
  'gRPC without statuses': { grpc_status_filter: {} },
  'metadata that is not there': {
    metadata_filter: { matcher: { filter: 'a', path: [{ key: 'b' }], value: { string_match: { exact: 'c' } } } },
  },
  'metadata that has to be there': {
    metadata_filter: {
      matcher: { filter: 'a', path: [{ key: 'b' }], value: { string_match: { exact: 'c' } } },
      match_if_key_not_found: false,
    },
  },
  'of the end': { log_type_filter: { types: ['DownstreamEnd'] } },
  'of the start': { log_type_filter: { types: ['DownstreamStart'] } },
  'all but the end': { log_type_filter: { types: ['DownstreamEnd'], exclude: true } },
};

const refused: Readonly<Record<string, Json>> = {
  'an unknown flag': { response_flag_filter: { flags: ['XX'] } },
  'a filter that says nothing': {},
  'and without filters': { and_filter: { filters: [] } },
  'and with one filter': { and_filter: { filters: [status('EQ', 1)] } },
  'or with one filter': { or_filter: { filters: [status('EQ', 1)] } },
  'a comparison without value': { status_code_filter: { comparison: { op: 'EQ' } } },
  'a status filter without comparison': { status_code_filter: {} },
  'a runtime filter without key': { runtime_filter: { percent_sampled: { numerator: 1 } } },
  'a header filter without header': { header_filter: {} },
  'an unknown operator': { status_code_filter: comparison('XX', 1) },
  'an unknown gRPC status': { grpc_status_filter: { statuses: ['XX'] } },
  'an unknown log type': { log_type_filter: { types: ['XX'] } },
  'LE for a status': status('LE', 5),
};

const filtered = (places: Places, filter: Json): Json => {
  const host = (name: string, domains: readonly string[]): Json => ({
    name,
    domains,
    routes: [toCluster('c1', {}, { prefix: '/refused' }), toCluster()],
  });
  return simple(places, {
    manager: {
      access_log: [{ ...fileLog(places), filter }],
      route_config: { name: 'routes', virtual_hosts: [host('all', ['example.com'])] },
    },
    clusters: [cluster(places, 0), cluster(places, 1)],
  });
};

const logOf = (config: Json): Json => ({ name: 'log', typed_config: config });

export const scenarios: readonly Scenario[] = [
  ...Object.entries(filters).map(
    ([name, filter]): Scenario => ({
      feature: 'access log filters',
      name,
      stats: false,
      backends: ['http', 'closed'],
      bootstrap: (places) => filtered(places, filter),
      cases,
    }),
  ),
  ...Object.entries(refused).map(
    ([name, filter]): Scenario => ({
      feature: 'access log filters',
      name,
      validateOnly: true,
      bootstrap: (places) => filtered(places, filter),
      cases: [],
    }),
  ),
  {
    feature: 'access log filters',
    name: 'two logs, one of them filtered',
    stats: false,
    backends: ['http', 'closed'],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [
            fileLog(places, 'first %RESPONSE_CODE%\n'),
            { ...fileLog(places, 'second %RESPONSE_CODE%\n'), filter: status('GE', 500) },
          ],
        },
      }),
    cases: cases.slice(0, 3),
  },
  ...Object.entries<(places: Places) => Json>({
    'a log without configuration': () => ({ name: 'log' }),
    'a file without path': () => logOf(typed('envoy.extensions.access_loggers.file.v3.FileAccessLog')),
    'a file with both formats': ({ folder }) =>
      logOf(
        typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: `${folder}/x`,
          format: 'a',
          log_format: { text_format: 'b' },
        }),
      ),
    'a file in a folder that is not there': ({ folder }) =>
      logOf(typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path: `${folder}/no/where` })),
    'an old format': ({ folder }) =>
      logOf(
        typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path: `${folder}/x`, format: '%PROTOCOL%' }),
      ),
    'an old JSON format': ({ folder }) =>
      logOf(
        typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: `${folder}/x`,
          json_format: { a: '%PROTOCOL%' },
        }),
      ),
    'a typed JSON format': ({ folder }) =>
      logOf(
        typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: `${folder}/x`,
          typed_json_format: { a: '%PROTOCOL%' },
        }),
      ),
    'standard output': () => logOf(typed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog')),
    'standard error': () => logOf(typed('envoy.extensions.access_loggers.stream.v3.StderrAccessLog')),
    'gRPC without service': () =>
      logOf(
        typed('envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig', {
          common_config: { log_name: 'l', transport_api_version: 'V3' },
        }),
      ),
    'gRPC to an unknown cluster': () =>
      logOf(
        typed('envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig', {
          common_config: {
            log_name: 'l',
            transport_api_version: 'V3',
            grpc_service: { envoy_grpc: { cluster_name: 'nowhere' } },
          },
        }),
      ),
    'gRPC without a name': () =>
      logOf(
        typed('envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig', {
          common_config: { transport_api_version: 'V3', grpc_service: { envoy_grpc: { cluster_name: 'c0' } } },
        }),
      ),
    'gRPC of TCP on HTTP': () =>
      logOf(
        typed('envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig', {
          common_config: {
            log_name: 'l',
            transport_api_version: 'V3',
            grpc_service: { envoy_grpc: { cluster_name: 'c0' } },
          },
        }),
      ),
  }).map(
    ([name, log]): Scenario => ({
      feature: 'access log sinks',
      name,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: { access_log: [log(places)] } }),
      cases: [],
    }),
  ),
  {
    feature: 'access log sinks',
    name: 'gRPC of TCP on TCP',
    validateOnly: true,
    cases: [],
    bootstrap: (places) => {
      const log = logOf(
        typed('envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig', {
          common_config: {
            log_name: 'l',
            transport_api_version: 'V3',
            grpc_service: { envoy_grpc: { cluster_name: 'c0' } },
          },
        }),
      );
      const proxy = typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
        stat_prefix: 't',
        cluster: 'c0',
        access_log: [log],
      });
      return bootstrap(
        places,
        [
          listener(places, 0, [{ name: 'tcp', typed_config: proxy }]),
          listener(places, 1, [manager(places, { route_config: {} })]),
        ],
        [cluster(places, 0)],
      );
    },
  },
];
