import { otherAuthority } from '../../../src/proxy/testing/certificates.ts';
import { cluster, simple, typed } from '../config.ts';
import { get, OPTIONS, plays, post } from '../http2.ts';
import { inlined, trusted, upstreamTls } from '../tls-config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

/** `auto_config`: the handshake with a host decides what is spoken. */
const auto = (options: Json = {}, more: Json = {}): Json => ({
  typed_extension_protocol_options: { [OPTIONS]: typed(OPTIONS, { auto_config: options, ...more }) },
});

const stats = [
  /cluster\.c0\.upstream_cx_(total|active|destroy|http1_total|http2_total|connect_fail|max_requests)$/,
  /cluster\.c0\.upstream_rq_(total|pending_total|pending_active)$/,
  /cluster\.c0\.ssl\.handshake$/,
];

interface Setting {
  readonly cluster?: Json;
  readonly common?: Json;
  readonly codec?: 'HTTP2';
}

function scenario(name: string, setting: Setting, cases: readonly Case[]): Scenario {
  return {
    feature: 'TLS to hosts',
    name: `tls-auto > ${name}`,
    stats,
    backends: ['https'],
    bootstrap: (places: Places) =>
      simple(places, {
        ...(setting.codec ? { manager: { codec_type: setting.codec } } : {}),
        clusters: [
          cluster(places, 0, [0], {
            transport_socket: upstreamTls(setting.common),
            ...(setting.cluster ?? auto()),
          }),
        ],
      }),
    cases,
  };
}

const speaks = (protocol: string | undefined): NonNullable<Case['hosts']> =>
  protocol === undefined ? {} : { 0: { agrees: protocol } };
/** The second finds the connection of the first. */
const two = (name: string, protocol?: string): Case => ({
  name,
  requests: [{ path: '/first' }, { method: 'POST', path: '/second', body: 'x'.repeat(20_000) }],
  hosts: speaks(protocol),
});
const fields = (path: string): { readonly fields: ReturnType<typeof get>; readonly beside: true } => ({
  fields: get(path),
  beside: true,
});
const atOnce = (name: string): Case =>
  plays(name, [fields('/a'), fields('/b'), fields('/c')], [], {
    sideBySide: true,
    without: ['order'],
  });

const refusals: readonly (readonly [string, Json])[] = [
  ['without TLS', auto()],
  [
    'without TLS for some hosts',
    {
      ...auto(),
      transport_socket: upstreamTls(),
      transport_socket_matches: [
        {
          name: 'm',
          match: { plain: 'yes' },
          transport_socket: {
            name: 'raw',
            typed_config: typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
          },
        },
      ],
    },
  ],
  [
    'health checks of gRPC',
    {
      ...auto(),
      transport_socket: upstreamTls(),
      health_checks: [
        { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: {} },
      ],
    },
  ],
];

export const scenarios: readonly Scenario[] = [
  scenario('a host that changes its mind', {}, [
    two('HTTP/2'),
    two('HTTP/1.1', 'http/1.1'),
    two('still HTTP/1.1', 'http/1.1'),
    two('nothing agreed on', ''),
    two('HTTP/2 again'),
    two('nothing agreed on after HTTP/2', ''),
  ]),
  scenario('several requests at once', { codec: 'HTTP2' }, [
    atOnce('HTTP/2'),
    plays('HTTP/1.1', [{ fields: get('/a') }, { fields: get('/b') }], [], { hosts: speaks('http/1.1') }),
    atOnce('HTTP/2 after HTTP/1.1'),
    plays('a body', [{ fields: post('/body'), body: 'x'.repeat(1000) }], [], { hosts: speaks('http/1.1') }),
  ]),
  scenario('configured protocols go first', { common: { alpn_protocols: ['http/1.1'] } }, [two('requests')]),
  scenario('configured protocols that are none of HTTP', { common: { alpn_protocols: ['foo'] } }, [two('requests')]),
  scenario(
    'one request for each connection',
    { cluster: auto({}, { common_http_protocol_options: { max_requests_per_connection: 1 } }) },
    [{ ...two('HTTP/2'), difference: 'http2-drained-connection' }, two('HTTP/1.1', 'http/1.1')],
  ),
  scenario(
    'options of both',
    { cluster: auto({ http_protocol_options: {}, http2_protocol_options: { max_concurrent_streams: 10 } }) },
    [two('HTTP/2'), two('HTTP/1.1', 'http/1.1')],
  ),
  scenario('not trusted', { common: { validation_context: { trusted_ca: inlined(otherAuthority) } } }, [
    { name: 'request', requests: [{}], without: ['bodies', 'log', 'backends'] },
  ]),
  scenario('trusted', { common: { validation_context: trusted() } }, [two('HTTP/2'), two('HTTP/1.1', 'http/1.1')]),
  ...refusals.map(
    ([name, more]): Scenario => ({
      feature: 'TLS to hosts',
      name: `tls-auto > read > ${name}`,
      validateOnly: true,
      bootstrap: (places) => simple(places, { clusters: [cluster(places, 0, [0], more)] }),
      cases: [],
    }),
  ),
];
