import { router, typed } from '../config.ts';
import type { Json, Scenario } from '../types.ts';
import { variants } from '../variants.ts';

/** A connection manager that is accepted or refused as a whole. */
const judged = (name: string, manager: Json): Scenario => ({
  ...variants('connection manager configuration', name, [{ name: '', manager, cases: [] }]),
  validateOnly: true,
});
const early = (mutation: Json): Json => ({
  early_header_mutation_extensions: [
    {
      name: 'early',
      typed_config: typed('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
        mutations: [mutation],
      }),
    },
  ],
});
const cors: Json = { name: 'cors', typed_config: typed('envoy.extensions.filters.http.cors.v3.Cors') };
const mapper = (config: Json): Json => ({ local_reply_config: { mappers: [config] } });
const everything = { status_code_filter: { comparison: { op: 'GE', value: { default_value: 0, runtime_key: 'k' } } } };
const common = (options: Json): Json => ({ common_http_protocol_options: options });

export const scenarios: readonly Scenario[] = [
  judged('codec AUTO', { codec_type: 'AUTO' }),
  judged('codec HTTP1', { codec_type: 'HTTP1' }),
  judged('an unknown codec', { codec_type: 7 }),
  judged('no stat_prefix', { stat_prefix: '' }),
  judged('a head limit of 0', { max_request_headers_kb: 0 }),
  judged('the highest head limit', { max_request_headers_kb: 8192 }),
  judged('a higher head limit', { max_request_headers_kb: 8193 }),
  judged('no headers', common({ max_headers_count: 0 })),
  judged('a negative headers timeout', { request_headers_timeout: '-1s' }),
  judged('a server name with a line end', { server_name: 'a\nb' }),
  judged('via with a line end', { via: 'a\r\nb' }),
  judged('an unknown server header mode', { server_header_transformation: 5 }),
  judged('an unknown certificate mode', { forward_client_cert_details: 9 }),
  judged('scheme ftp', { scheme_header_transformation: { scheme_to_overwrite: 'ftp' } }),
  judged('early mutation of the path', early({ append: { header: { key: ':path', value: '/' } } })),
  judged('early removal of the host', early({ remove: 'host' })),
  judged('early mutation without action', early({})),
  judged('a mapper without filter', mapper({ status_code: 404 })),
  judged('a mapper to 199', mapper({ filter: everything, status_code: 199 })),
  judged('a mapper to 599', mapper({ filter: everything, status_code: 599 })),
  judged('a mapper to 600', mapper({ filter: everything, status_code: 600 })),
  judged(
    'a mapper with an unknown command',
    mapper({ filter: everything, body_format_override: { text_format: '%NOPE%' } }),
  ),
  judged(
    'a mapper that adds a pseudo header',
    mapper({
      filter: everything,
      headers_to_add: [{ header: { key: ':status', value: '200' } }],
    }),
  ),
  judged('a body format without format', { local_reply_config: { body_format: {} } }),
  judged('filters of an upgrade', { upgrade_configs: [{ upgrade_type: 'websocket', filters: [router()] }] }),
  judged('filters of an upgrade without a router', {
    upgrade_configs: [{ upgrade_type: 'websocket', filters: [cors] }],
  }),
  judged('filters of an upgrade behind its router', {
    upgrade_configs: [{ upgrade_type: 'websocket', filters: [router(), cors] }],
  }),
  judged('an upgrade without a type', { upgrade_configs: [{ upgrade_type: '' }] }),
  judged('an upgrade twice', { upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'WebSocket' }] }),
  judged('an internal range that is none', {
    internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.300', prefix_len: 8 }] },
  }),
  judged('an unknown request id extension', {
    request_id_extension: { typed_config: typed('envoy.extensions.filters.http.router.v3.Router') },
  }),
  judged('more than all sampled', { tracing: { random_sampling: { value: 101 } } }),
  judged('less than none sampled', { tracing: { random_sampling: { value: -1 } } }),
  judged('a field that nobody knows', { no_such_field: true }),
];
