import { X509Certificate } from 'node:crypto';
import { client, otherAuthority, server } from '../../../src/proxy/testing/certificates.ts';
import { cluster, fileLog, simple, socketAddress, typed } from '../config.ts';
import { certificateOf, inlined, trusted, upstreamTls } from '../tls-config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const stats = [
  /cluster\.c0\.ssl\.(handshake|connection_error|session_reused|no_certificate|fail_verify_(no_cert|error|san|cert_hash))$/,
  /cluster\.c0\.ssl\.(versions|ciphers)\./,
  /cluster\.c0\.upstream_cx_(total|connect_fail|connect_timeout)$/,
];
/** Everything but the words of what went wrong, which are those of another library. */
const format =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_TLS_VERSION% %UPSTREAM_TLS_CIPHER% %UPSTREAM_PEER_SUBJECT% %UPSTREAM_PEER_ISSUER% ' +
  '%UPSTREAM_PEER_DNS_SAN% %UPSTREAM_PEER_IP_SAN% %UPSTREAM_LOCAL_DNS_SAN% %UPSTREAM_LOCAL_URI_SAN% %UPSTREAM_PEER_CERT_V_END(%Y)%\n';
const names = (kind: string, matcher: Json): Json =>
  trusted({ match_typed_subject_alt_names: [{ san_type: kind, matcher }] });
const http = (config: Json): Json => ({
  typed_extension_protocol_options: {
    [options]: typed(options, { explicit_http_config: { http_protocol_options: {} }, ...config }),
  },
});
const auto = (config: Json): Json => http({ upstream_http_protocol_options: config });

interface Row {
  readonly name: string;
  readonly common?: Json;
  readonly context?: Json;
  /** In place of a socket made of the two. */
  readonly socket?: Json;
  readonly cluster?: Json;
  /** Of the endpoint. */
  readonly hostname?: string;
  /** In place of the backend's. */
  readonly address?: string;
  readonly kind?: 'http' | 'closed' | 'banner';
  readonly requests?: Case['requests'];
  readonly route?: Json;
  readonly play?: Partial<Case>;
}

const one = [{ path: '/' }];

const rows: readonly Row[] = [
  { name: 'nothing said' },
  { name: 'two requests over one connection', requests: [{}, { method: 'POST', body: 'x'.repeat(50_000) }] },
  { name: 'server name', context: { sni: 'a.test' } },
  { name: 'server name in upper case', context: { sni: 'A.Test' } },
  { name: 'alpn', common: { alpn_protocols: ['foo', 'http/1.1'] } },
  { name: 'certificate of its own', common: { tls_certificates: [certificateOf(client)] } },
  { name: 'at most 1.2', common: { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } } },
  {
    name: 'at least 1.3',
    common: { tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' } },
  },
  {
    name: 'one cipher',
    common: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_2', cipher_suites: ['ECDHE-ECDSA-AES256-GCM-SHA384'] },
    },
  },
  {
    name: 'a cipher that the host cannot do',
    common: { tls_params: { tls_maximum_protocol_version: 'TLSv1_2', cipher_suites: ['ECDHE-RSA-AES128-GCM-SHA256'] } },
  },
  { name: 'trusted', common: { validation_context: trusted() } },
  { name: 'not trusted', common: { validation_context: { trusted_ca: inlined(otherAuthority) } } },
  {
    name: 'not trusted and accepted',
    common: {
      validation_context: { trusted_ca: inlined(otherAuthority), trust_chain_verification: 'ACCEPT_UNTRUSTED' },
    },
  },
  { name: 'DNS name', common: { validation_context: names('DNS', { exact: 'a.test' }) } },
  { name: 'DNS name by wildcard', common: { validation_context: names('DNS', { exact: 'q.b.test' }) } },
  { name: 'DNS name of another', common: { validation_context: names('DNS', { exact: 'c.test' }) } },
  { name: 'address', common: { validation_context: names('IP_ADDRESS', { exact: '127.0.0.1' }) } },
  { name: 'URI it does not have', common: { validation_context: names('URI', { prefix: 'spiffe://' }) } },
  { name: 'hash', common: { validation_context: { verify_certificate_hash: [hashOf()] } } },
  { name: 'hash of another', common: { validation_context: { verify_certificate_hash: ['0'.repeat(64)] } } },
  { name: 'plain text host', kind: 'http', play: { without: ['bodies', 'backends'] } },
  { name: 'host that talks first', kind: 'banner' },
  { name: 'no host', kind: 'closed' },
  {
    name: 'automatic name',
    cluster: auto({ auto_sni: true }),
    requests: [{ host: 'a.test:8080' }, { host: 'other.test' }, { host: '127.0.0.1' }],
  },
  {
    name: 'automatic name over a configured one',
    context: { sni: 'fixed.test' },
    cluster: auto({ auto_sni: true }),
    requests: [{ host: 'a.test' }, { host: '10.0.0.1' }],
  },
  {
    name: 'automatic name after a rewrite',
    cluster: auto({ auto_sni: true }),
    route: { host_rewrite_literal: 'x.b.test' },
    requests: [{ host: 'a.test' }],
  },
  {
    name: 'automatic name of a header',
    cluster: auto({ auto_sni: true, override_auto_sni_header: 'x-name' }),
    requests: [{ headers: { 'x-name': 'from.header:1' } }, { host: 'a.test' }],
  },
  {
    name: 'automatic verification',
    common: { validation_context: trusted() },
    cluster: auto({ auto_sni: true, auto_san_validation: true }),
    requests: [{ host: 'a.test' }, { host: 'z.b.test' }, { host: 'c.test' }],
  },
  {
    name: 'automatic verification without an authority',
    cluster: auto({ auto_sni: true, auto_san_validation: true }),
    requests: [{ host: 'a.test' }, { host: 'c.test' }],
  },
  {
    name: 'automatic verification beside names that do not fit',
    common: { validation_context: names('DNS', { exact: 'c.test' }) },
    cluster: auto({ auto_sni: true, auto_san_validation: true }),
    requests: [{ host: 'a.test' }, { host: 'c.test' }],
  },
  {
    name: 'automatic verification of a pinned certificate',
    common: { validation_context: { verify_certificate_hash: [hashOf()] } },
    cluster: auto({ auto_sni: true, auto_san_validation: true }),
    requests: [{ host: 'a.test' }, { host: 'c.test' }],
  },
  { name: 'name of the host', context: { auto_host_sni: true }, hostname: 'a.test' },
  { name: 'name of the host over a configured one', context: { auto_host_sni: true, sni: 'b' }, hostname: 'a.test' },
  { name: 'name of a host that has none', context: { auto_host_sni: true, sni: 'fixed.test' } },
  {
    name: 'name of the request over that of the host',
    context: { auto_host_sni: true },
    hostname: 'a.test',
    cluster: auto({ auto_sni: true }),
    requests: [{ host: 'c.test' }, { host: '10.0.0.1' }],
  },
  {
    name: 'name of the host in DNS',
    context: { auto_host_sni: true },
    cluster: { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' },
    address: 'localhost',
  },
  {
    name: 'verified name of the host',
    common: { validation_context: trusted() },
    context: { auto_host_sni: true, auto_sni_san_validation: true },
    hostname: 'x.b.test',
  },
  {
    name: 'verified name of a host of another',
    common: { validation_context: trusted() },
    context: { auto_host_sni: true, auto_sni_san_validation: true },
    hostname: 'c.test',
  },
  {
    name: 'verified configured name',
    common: { validation_context: trusted() },
    context: { sni: 'a.test', auto_sni_san_validation: true },
  },
  {
    name: 'verified configured name of another',
    common: { validation_context: trusted() },
    context: { sni: 'c.test', auto_sni_san_validation: true },
  },
  {
    name: 'verified name that nobody asks for',
    common: { validation_context: trusted() },
    context: { auto_sni_san_validation: true },
  },
  {
    name: 'verified name beside others',
    common: { validation_context: names('DNS', { exact: 'a.test' }) },
    context: { sni: 'c.test', auto_sni_san_validation: true },
  },
  {
    name: 'verified name beside others that do not fit',
    common: { validation_context: names('DNS', { exact: 'c.test' }) },
    context: { sni: 'a.test', auto_sni_san_validation: true },
  },
  {
    name: 'verified name of the request',
    common: { validation_context: trusted() },
    context: { sni: 'c.test', auto_sni_san_validation: true },
    cluster: auto({ auto_sni: true }),
    requests: [{ host: 'a.test' }, { host: 'other.test' }],
  },
  {
    name: 'verified name and that of the request',
    common: { validation_context: trusted() },
    context: { sni: 'c.test', auto_sni_san_validation: true },
    cluster: auto({ auto_san_validation: true }),
    requests: [{ host: 'a.test' }, { host: 'other.test' }],
  },
  {
    name: 'each request its connection',
    cluster: http({ common_http_protocol_options: { max_requests_per_connection: 1 } }),
    requests: [{}, {}],
  },
  {
    name: 'each request its connection, no sessions',
    context: { max_session_keys: 0 },
    cluster: http({ common_http_protocol_options: { max_requests_per_connection: 1 } }),
    requests: [{}, {}],
  },
  {
    name: 'by metadata of the host',
    cluster: {
      transport_socket_matches: [
        { name: 'm', match: { tls: 'yes' }, transport_socket: upstreamTls({}, { sni: 'matched.test' }) },
      ],
    },
  },
  {
    name: 'plain for others, by metadata',
    kind: 'http',
    socket: { name: 'raw', typed_config: typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer') },
    cluster: { transport_socket_matches: [{ name: 'm', match: { tls: 'yes' }, transport_socket: upstreamTls() }] },
  },
];

/** SHA-256 of the host's certificate. */
function hashOf(): string {
  return new X509Certificate(server.certificate).fingerprint256;
}

function assignment(places: Places, { hostname = '', address = places.host }: Row): Json {
  const endpoint = { hostname, address: socketAddress(address, places.backend(0)) };
  return { cluster_name: 'c0', endpoints: [{ lb_endpoints: [{ endpoint }] }] };
}

function scenario(row: Row): Scenario {
  return {
    feature: 'TLS to hosts',
    name: `tls-upstream > ${row.name}`,
    stats,
    backends: [row.kind ?? 'https'],
    bootstrap: (places: Places) =>
      simple(places, {
        routes: [{ match: { prefix: '/' }, route: { cluster: 'c0', ...row.route } }],
        manager: { access_log: [fileLog(places, format)] },
        clusters: [
          cluster(places, 0, [0], {
            transport_socket: row.socket ?? upstreamTls(row.common, row.context),
            ...(row.hostname || row.address ? { load_assignment: assignment(places, row) } : {}),
            ...row.cluster,
          }),
        ],
      }),
    // What went wrong is said in the words of another library, in the body of the answer too.
    cases: [{ name: 'requests', requests: row.requests ?? one, without: ['bodies'], ...row.play }],
  };
}

const refusals: readonly (readonly [string, Json, Json?])[] = [
  ['two certificates', { tls_certificates: [certificateOf(client), certificateOf(server)] }],
  ['broken authority', { validation_context: { trusted_ca: inlined('nothing') } }],
  ['certificate without a key', { tls_certificates: [{ certificate_chain: inlined(client.certificate) }] }],
  ['name too long', {}, { sni: 'a'.repeat(256) }],
  ['verified name without a validation', {}, { auto_sni_san_validation: true }],
  [
    'verified name without an authority',
    { validation_context: { verify_certificate_hash: [hashOf()] } },
    { auto_sni_san_validation: true },
  ],
  ['unknown secret', { validation_context_sds_secret_config: { name: 'nobody' } }],
];

export const scenarios: readonly Scenario[] = [
  ...rows.map(scenario),
  ...refusals.map(
    ([name, common, context]): Scenario => ({
      feature: 'TLS to hosts',
      name: `tls-upstream > refused > ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        simple(places, { clusters: [cluster(places, 0, [0], { transport_socket: upstreamTls(common, context) })] }),
      cases: [],
    }),
  ),
];
