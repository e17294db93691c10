import { X509Certificate } from 'node:crypto';
import {
  client,
  otherAuthority,
  revocations,
  rsa,
  second,
  server,
  type TestCertificate,
} from '../../../src/proxy/testing/certificates.ts';
import { fileLog, listener, manager, routeConfig, router, simple, toCluster, typed } from '../config.ts';
import { certificateOf, downstreamTls, inlined, trusted } from '../tls-config.ts';
import type { Case, ClientTls, Json, Places, Scenario } from '../types.ts';

const stats = [
  /\.ssl\.(handshake|connection_error|session_reused|no_certificate|fail_verify_(no_cert|error|san|cert_hash))$/,
  /\.ssl\.(versions|ciphers)\./,
  /downstream_cx_ssl_total/,
];
const names = (kind: string, matcher: Json): Json => ({ match_typed_subject_alt_names: [{ san_type: kind, matcher }] });
const format =
  '%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER% %DOWNSTREAM_PEER_SERIAL% ' +
  '%DOWNSTREAM_PEER_FINGERPRINT_256% %DOWNSTREAM_PEER_FINGERPRINT_1% %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_DNS_SAN% ' +
  '%DOWNSTREAM_PEER_IP_SAN% %DOWNSTREAM_PEER_EMAIL_SAN% %DOWNSTREAM_LOCAL_SUBJECT% %DOWNSTREAM_LOCAL_DNS_SAN% ' +
  '%DOWNSTREAM_LOCAL_IP_SAN% %DOWNSTREAM_LOCAL_URI_SAN% %DOWNSTREAM_LOCAL_EMAIL_SAN% %DOWNSTREAM_PEER_CERT_V_START(%Y)% ' +
  '%DOWNSTREAM_PEER_CERT_V_END(%Y)% %DOWNSTREAM_PEER_CERT% %PROTOCOL% %RESPONSE_CODE%\n';

interface Row {
  readonly name: string;
  readonly certificates?: readonly TestCertificate[];
  readonly common?: Json;
  readonly context?: Json;
  readonly manager?: (places: Places) => Json;
  readonly routes?: readonly Json[];
  readonly filters?: readonly Json[];
  readonly cases: readonly (ClientTls & {
    readonly case: string;
    readonly play?: Partial<Case>;
  })[];
}

const get = { path: '/' };

function scenario(row: Row): Scenario {
  return {
    feature: 'TLS of clients',
    name: `tls-downstream > ${row.name}`,
    stats,
    bootstrap: (places) => {
      const config = simple(places, {
        ...(row.routes ? { routes: row.routes } : {}),
        manager: {
          ...(row.filters ? { http_filters: [...row.filters, router()] } : {}),
          ...row.manager?.(places),
        },
      });
      const resources = config['static_resources'] as { readonly listeners: readonly Json[] };
      const [first = {}] = resources.listeners;
      const [chain] = first['filter_chains'] as readonly Json[];
      const socket = downstreamTls(row.certificates ?? [server], row.common, row.context);
      const secure = { ...first, filter_chains: [{ ...chain, transport_socket: socket }] };
      return { ...config, static_resources: { ...resources, listeners: [secure] } };
    },
    cases: row.cases.map(({ case: name, play, ...tls }) => ({
      name,
      ...(play?.http2 ? {} : { requests: [get] }),
      ...play,
      tls: { serverName: 'a.test', ...tls },
    })),
  };
}

const validated = (more: Json = {}): Json => ({ validation_context: trusted(more) });
const required = { require_client_certificate: true };
const everyone: Row['cases'] = [
  { case: 'nobody' },
  { case: 'client', as: 'client' },
  { case: 'stranger', as: 'stranger' },
  { case: 'expired', as: 'expired' },
  { case: 'another', as: 'server' },
];

const rows: readonly Row[] = [
  {
    name: 'versions and ciphers',
    cases: [
      { case: 'newest' },
      { case: 'TLS 1.2', maxVersion: 'TLSv1.2' },
      { case: 'TLS 1.2 with AES 256', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
      { case: 'TLS 1.2 with ChaCha20', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' },
      { case: 'no cipher in common', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
    ],
  },
  {
    name: 'at most 1.2',
    common: { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } },
    cases: [{ case: 'newest' }, { case: 'only 1.3', minVersion: 'TLSv1.3' }],
  },
  {
    name: 'at least 1.3',
    common: { tls_params: { tls_minimum_protocol_version: 'TLSv1_3' } },
    cases: [{ case: 'newest' }, { case: 'only 1.2', maxVersion: 'TLSv1.2' }],
  },
  {
    name: 'ciphers',
    common: {
      tls_params: {
        cipher_suites: ['ECDHE-ECDSA-AES256-GCM-SHA384', '[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-AES256-GCM-SHA384]'],
      },
    },
    certificates: [server, rsa],
    cases: [
      { case: 'server prefers', maxVersion: 'TLSv1.2' },
      { case: 'RSA alone', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' },
      { case: 'none', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    ],
  },
  {
    name: 'ciphers of the client',
    context: { prefer_client_ciphers: true },
    cases: [
      { case: 'newest' },
      ...['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((first) => ({
        case: `TLS 1.2 with ${first} first`,
        maxVersion: 'TLSv1.2' as const,
        ciphers: `ECDHE-ECDSA-${first}:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384`,
      })),
      { case: 'TLS 1.3 with ChaCha20 first', ciphers: 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256' },
      { case: 'TLS 1.3 with AES 256 first', ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256' },
    ],
  },
  {
    name: 'alpn h2 and http/1.1',
    common: { alpn_protocols: ['h2', 'http/1.1'] },
    cases: [
      { case: 'http/1.1', protocols: ['http/1.1'] },
      { case: 'nothing' },
      { case: 'something else', protocols: ['foo'] },
      { case: 'its own first', protocols: ['foo', 'http/1.1'] },
      {
        case: 'h2',
        protocols: ['http/1.1', 'h2'],
        play: {
          http2: [
            {
              fields: [
                [':method', 'GET'],
                [':scheme', 'https'],
                [':authority', 'a.test'],
                [':path', '/'],
              ],
            },
          ],
        },
      },
    ],
  },
  {
    name: 'alpn http/1.1 alone',
    common: { alpn_protocols: ['http/1.1'] },
    cases: [
      { case: 'both', protocols: ['h2', 'http/1.1'] },
      { case: 'h2 alone', protocols: ['h2'] },
    ],
  },
  {
    name: 'several certificates',
    certificates: [second, server, rsa],
    cases: [
      { case: 'exact name', serverName: 'a.test' },
      { case: 'name of the first', serverName: 'c.test' },
      { case: 'wildcard', serverName: 'x.b.test' },
      { case: 'two labels for a wildcard', serverName: 'x.y.b.test' },
      { case: 'unknown name', serverName: 'nobody.test' },
      { case: 'upper case', serverName: 'A.Test', play: { difference: 'tls-name-case' } },
      { case: 'RSA only', serverName: 'a.test', sigalgs: 'rsa_pss_rsae_sha256' },
    ],
  },
  {
    name: 'server name required',
    context: { require_sni: true },
    cases: [{ case: 'named' }, { case: 'not named', serverName: '' }],
  },
  { name: 'certificate asked for', common: validated(), cases: everyone },
  { name: 'certificate required', common: validated(), context: required, cases: everyone },
  {
    name: 'certificate required of nobody in particular',
    context: required,
    cases: everyone.map((one) => ({ ...one, play: { difference: 'tls-required-of-nobody' } })),
  },
  {
    name: 'another authority',
    common: { validation_context: { trusted_ca: inlined(otherAuthority) } },
    context: required,
    cases: everyone,
  },
  {
    name: 'expired allowed',
    common: validated({ allow_expired_certificate: true }),
    context: required,
    cases: everyone,
  },
  { name: 'untrusted accepted', common: validated({ trust_chain_verification: 'ACCEPT_UNTRUSTED' }), cases: everyone },
  { name: 'revoked', common: validated({ crl: inlined(revocations) }), context: required, cases: everyone },
  ...(
    [
      ['URI exact', names('URI', { exact: 'spiffe://mesh.test/ns/a/sa/client' })],
      ['URI prefix', names('URI', { prefix: 'spiffe://mesh.test/' })],
      ['URI of another', names('URI', { exact: 'spiffe://mesh.test/ns/b/sa/client' })],
      ['DNS exact', names('DNS', { exact: 'client.test' })],
      ['DNS by wildcard', names('DNS', { exact: 'x.b.test' })],
      ['DNS suffix', names('DNS', { suffix: '.test' })],
      ['DNS regex', names('DNS', { safe_regex: { regex: 'cl.*' } })],
      ['e-mail', names('EMAIL', { exact: 'client@mesh.test' })],
      ['address', names('IP_ADDRESS', { exact: '10.1.2.3' })],
      ['of any kind', { match_subject_alt_names: [{ exact: 'client.test' }] }],
    ] as const
  ).map(
    ([name, more]): Row => ({ name: `names, ${name}`, common: validated(more), context: required, cases: everyone }),
  ),
  {
    name: 'pinned by hash',
    common: { validation_context: { verify_certificate_hash: [hashOf(client)] } },
    context: required,
    cases: everyone,
  },
  {
    name: 'what logs say',
    common: validated(),
    manager: (places) => ({ access_log: [fileLog(places, format)] }),
    cases: [
      { case: 'client', as: 'client' },
      { case: 'client with 1.2', as: 'client', maxVersion: 'TLSv1.2' },
      { case: 'nobody' },
    ],
  },
  ...(['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'] as const).map(
    (forward): Row => ({
      name: `client certificate header, ${forward}`,
      common: validated(),
      manager: () => ({
        forward_client_cert_details: forward,
        set_current_client_cert_details: { subject: true, cert: true, dns: true, uri: true },
      }),
      cases: (['client', undefined] as const).flatMap((as) => [
        { case: `${as ?? 'nobody'}`, ...(as ? { as } : {}) },
        {
          case: `${as ?? 'nobody'} with one before`,
          ...(as ? { as } : {}),
          play: { requests: [{ headers: { 'x-forwarded-client-cert': 'Hash=abc;URI=spiffe://before' } }] },
        },
      ]),
    }),
  ),
  {
    name: 'client certificate header, with the chain',
    common: validated(),
    manager: () => ({
      forward_client_cert_details: 'SANITIZE_SET',
      set_current_client_cert_details: { chain: true },
    }),
    cases: [{ case: 'client', as: 'client' }],
  },
  {
    name: 'client certificate header, hash alone',
    common: validated(),
    manager: () => ({ forward_client_cert_details: 'SANITIZE_SET' }),
    cases: [{ case: 'client', as: 'client' }],
  },
  ...(
    [
      { presented: true },
      { presented: false },
      { validated: true },
      { validated: false },
      { presented: true, validated: false },
    ] as const
  ).map(
    (match): Row => ({
      name: `route by certificate, ${JSON.stringify(match)}`,
      common: validated({ trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
      routes: [toCluster('c0', {}, { prefix: '/', tls_context: match })],
      cases: everyone.slice(0, 3),
    }),
  ),
  ...(
    [
      ['anybody', {}],
      ['by URI', { principal_name: { exact: 'spiffe://mesh.test/ns/a/sa/client' } }],
      ['by DNS name', { principal_name: { exact: 'client.test' } }],
      ['by subject', { principal_name: { exact: 'CN=client,O=Mesh' } }],
      ['by subject without names', { principal_name: { contains: 'CN=' } }],
      ['by another', { principal_name: { exact: 'other' } }],
    ] as const
  ).map(
    ([name, authenticated]): Row => ({
      name: `rbac, ${name}`,
      common: validated(),
      filters: [
        {
          name: 'rbac',
          typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', {
            rules: { policies: { p: { permissions: [{ any: true }], principals: [{ authenticated }] } } },
          }),
        },
      ],
      cases: [{ case: 'nobody' }, { case: 'client', as: 'client' }, { case: 'server', as: 'server' }],
    }),
  ),
  {
    name: 'several requests over one connection',
    cases: [{ case: 'three', play: { requests: [get, { method: 'POST', body: 'x'.repeat(70_000) }, get] } }],
  },
];

/** SHA-256 of the certificate as Envoy's configuration wants it. */
function hashOf({ certificate }: TestCertificate): string {
  return new X509Certificate(certificate).fingerprint256;
}

interface Refusal {
  readonly name: string;
  readonly difference?: string;
  readonly common: Json;
  readonly context?: Json;
}

const refusals: readonly Refusal[] = [
  { name: 'no certificate', common: {} },
  { name: 'no key', common: { tls_certificates: [{ certificate_chain: inlined(server.certificate) }] } },
  { name: 'no chain', common: { tls_certificates: [{ private_key: inlined(server.key) }] } },
  {
    name: 'broken chain',
    common: { tls_certificates: [{ certificate_chain: inlined('nothing'), private_key: inlined(server.key) }] },
  },
  {
    name: 'broken key',
    common: { tls_certificates: [{ certificate_chain: inlined(server.certificate), private_key: inlined('nothing') }] },
  },
  {
    name: 'key of another',
    common: { tls_certificates: [{ certificate_chain: inlined(server.certificate), private_key: inlined(rsa.key) }] },
  },
  {
    name: 'missing file',
    common: { tls_certificates: [{ certificate_chain: { filename: '/nowhere' }, private_key: inlined(server.key) }] },
  },
  ...(
    [
      ['broken authority', { trusted_ca: inlined('nothing') }],
      ['names without authority', names('DNS', { exact: 'a' })],
      ['hash too short', { verify_certificate_hash: ['abc'] }],
      ['hash no hexadecimal', { verify_certificate_hash: ['z'.repeat(64)] }],
      ['key hash no base64', { verify_certificate_spki: ['!'.repeat(44)] }],
      ['no kind of name', trusted({ match_typed_subject_alt_names: [{ matcher: { exact: 'a' } }] })],
    ] as const
  ).map(
    ([name, validation]): Refusal => ({
      name,
      common: { tls_certificates: [certificateOf(server)], validation_context: validation },
    }),
  ),
  {
    name: 'broken revocations',
    difference: 'tls-mistakes',
    common: {
      tls_certificates: [certificateOf(server)],
      validation_context: trusted({ crl: inlined('nothing') }),
    },
  },
  ...(
    [
      ['unknown cipher', { cipher_suites: ['NOTHING'] }],
      ['cipher of TLS 1.3', { cipher_suites: ['TLS_AES_128_GCM_SHA256'] }],
      ['unknown curve', { ecdh_curves: ['P-1'] }],
      ['unknown signature', { signature_algorithms: ['nothing'] }],
      ['known signatures', { signature_algorithms: ['ecdsa_secp256r1_sha256'] }],
      ['known curves', { ecdh_curves: ['P-384', 'X25519'] }],
    ] as const
  ).map(
    ([name, params]): Refusal => ({ name, common: { tls_certificates: [certificateOf(server)], tls_params: params } }),
  ),
  {
    name: 'ticket key of the wrong length',
    common: { tls_certificates: [certificateOf(server)] },
    context: { session_ticket_keys: { keys: [inlined('short')] } },
  },
  {
    name: 'ticket key',
    common: { tls_certificates: [certificateOf(server)] },
    context: { session_ticket_keys: { keys: [inlined('k'.repeat(80))] } },
  },
  {
    name: 'unknown static secret',
    common: { tls_certificate_sds_secret_configs: [{ name: 'nobody' }] },
  },
];

const refused = (places: Places, { common, context = {} }: Refusal): Json => {
  const config = simple(places, {});
  const hcm = manager(places, { route_config: routeConfig([toCluster()]) });
  const chains = [
    {
      filters: [hcm],
      transport_socket: {
        name: 'tls',
        typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
          common_tls_context: common,
          ...context,
        }),
      },
    },
  ];
  return {
    ...config,
    static_resources: {
      ...(config['static_resources'] as Json),
      listeners: [listener(places, 0, [hcm], { filter_chains: chains })],
    },
  };
};

export const scenarios: readonly Scenario[] = [
  ...rows.map(scenario),
  ...refusals.map(
    (refusal): Scenario => ({
      feature: 'TLS of clients',
      name: `tls-downstream > refused > ${refusal.name}`,
      validateOnly: true,
      bootstrap: (places) => refused(places, refusal),
      cases: refusal.difference ? [{ name: '', difference: refusal.difference }] : [],
    }),
  ),
];
