import { cluster, fileLog, router, simple, toCluster, typed } from '../config.ts';
import type { Case, Places, Scenario } from '../types.ts';

const format =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %REQ(X-A)% %REQ(X-B?X-A)% %RESP(X-R)% %TRAILER(X-T)% %UPSTREAM_HOST% %GRPC_STATUS%\n';

const twice = (name: string, ...values: readonly string[]): Case => ({
  name: `${name}: ${values.join(' and ')}`,
  requests: [{ headers: values.map((value) => [name, value] as const) }],
});

const faults = {
  name: 'fault',
  typed_config: typed('envoy.extensions.filters.http.fault.v3.HTTPFault', {
    abort: { header_abort: {}, percentage: { numerator: 100 } },
  }),
};

const here = ({ host, backend }: Places): string => `${host}:${backend(0)}`;

/** The place is the run's own, so the case gives the address in the route rather than in the request. */
const destination = (name: string, values: (places: Places) => readonly string[]): Scenario => ({
  feature: 'original destination',
  name,
  bootstrap: (places) =>
    simple(places, {
      routes: [
        {
          ...toCluster('dst'),
          request_headers_to_add: values(places).map((value) => ({
            header: { key: 'x-to', value },
            append_action: 'APPEND_IF_EXISTS_OR_ADD',
          })),
        },
      ],
      manager: { access_log: [fileLog(places, '%RESPONSE_CODE% %RESPONSE_FLAGS%\n')] },
      clusters: [
        cluster(places, 0),
        {
          name: 'dst',
          type: 'ORIGINAL_DST',
          lb_policy: 'CLUSTER_PROVIDED',
          connect_timeout: '1s',
          original_dst_lb_config: { use_http_header: true, http_header_name: 'x-to' },
        },
      ],
    }),
  stats: [/original_dst_host_invalid/],
  cases: [
    {
      name: 'GET',
      requests: [{ path: '/loop' }],
      without: ['backends', 'stats'],
      admin: ['/stats?filter=dst_host_invalid'],
    },
  ],
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'repeated headers',
    name: 'formats and filters',
    bootstrap: (places) =>
      simple(places, {
        manager: { access_log: [fileLog(places, format)], http_filters: [faults, router()] },
      }),
    cases: [
      twice('X-A', '1', '2'),
      twice('X-B', '', '2'),
      twice('X-Envoy-Fault-Abort-Request', '418', '503'),
      twice('X-Envoy-Fault-Abort-Request', 'x', '503'),
      twice('X-Envoy-Fault-Abort-Request', '503,1'),
      {
        name: 'response and trailers',
        requests: [{}],
        backends: {
          0: [
            {
              raw: 'HTTP/1.1 200 OK\r\nX-R: 1\r\nX-R: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\nX-T: 1\r\nX-T: 2\r\n\r\n',
            },
          ],
        },
      },
      ...[
        'application/grpc;x=y',
        'application/grpc; x=y',
        'application/grpc ',
        'application/grpc+x',
        'application/grpc',
      ].map(
        (type): Case => ({
          name: `the upstream of ${JSON.stringify(type)} closes`,
          requests: [{ method: 'POST', headers: { 'content-type': type } }],
          backends: { 0: [{ end: 'close' }] },
        }),
      ),
    ],
  },
  destination('one header', (places) => [here(places)]),
  destination('the first of two headers', (places) => [here(places), '127.0.0.1:1']),
  destination('the second of two headers is none', (places) => [here(places), 'x']),
  destination('two in one header', (places) => [`${here(places)},127.0.0.1:1`]),
];
