import { typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const log =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(:SCHEME)%\n';

const edge = { use_remote_address: true };
const range = (text: string): Json => {
  const [address, length] = text.split('/');
  return { address_prefix: address, prefix_len: Number(length) };
};
const own = { internal_address_config: { cidr_ranges: ['127.0.0.0/8', '10.0.0.0/8'].map(range) } };

const sent = (headers: Readonly<Record<string, string>>, more: Partial<Case> = {}): Case => ({
  name: Object.entries(headers).flat().join(' ') || 'plain',
  requests: [{ headers }],
  ...more,
});
const forwardedFor = (list: string): Case =>
  sent({ 'X-Forwarded-For': list, 'X-Forwarded-Proto': 'https' }, { name: `<${list}>` });

const lists = [
  '1.1.1.1',
  '10.0.0.1',
  '10.0.0.1, 1.1.1.1',
  '1.1.1.1,10.0.0.1',
  '10.0.0.1:80',
  '2001:DB8:0::1',
  '[2001:db8::1]',
  'unknown',
  '',
  '10.0.0.1, unknown',
  ', 10.0.0.1',
  '10.0.0.1,',
  '1.1.1.1, 2.2.2.2, 3.3.3.3',
].map(forwardedFor);

const hops = [0, 1, 2].flatMap((count): Variant[] => [
  { name: `${count} trusted hops`, manager: { ...own, xff_num_trusted_hops: count }, cases: lists },
  {
    name: `${count} trusted hops at the edge`,
    manager: { ...own, ...edge, xff_num_trusted_hops: count },
    cases: lists,
  },
]);

const detection = (...extensions: readonly (readonly ['xff' | 'custom_header', Json])[]): Json => ({
  original_ip_detection_extensions: extensions.map(([kind, config]) => ({
    name: kind,
    typed_config: typed(
      `envoy.extensions.http.original_ip_detection.${kind}.v3.${kind === 'xff' ? 'XffConfig' : 'CustomHeaderConfig'}`,
      config,
    ),
  })),
});

const proxies = (...ranges: readonly string[]): Json => ({ xff_trusted_cidrs: { cidrs: ranges.map(range) } });

const extensions: readonly Variant[] = [
  {
    name: 'xff with a hop',
    manager: detection(['xff', { xff_num_trusted_hops: 1 }]),
    cases: [forwardedFor('1.1.1.1, 2.2.2.2'), forwardedFor('1.1.1.1'), sent({})],
  },
  {
    name: 'xff that appends',
    manager: detection(['xff', { skip_xff_append: false }]),
    cases: [forwardedFor('1.1.1.1'), forwardedFor('unknown'), sent({})],
  },
  {
    name: 'xff twice that appends',
    manager: detection(['xff', { skip_xff_append: false }], ['xff', { skip_xff_append: false }]),
    cases: [forwardedFor('unknown')],
  },
  {
    name: 'trusted proxies',
    manager: { ...own, ...detection(['xff', proxies('127.0.0.0/8', '9.0.0.0/8')]) },
    cases: [
      '10.0.0.1',
      '10.0.0.1, 9.9.9.9',
      '1.1.1.1, unknown, 9.9.9.9',
      '1.1.1.1, unknown',
      '1.1.1.1,, 9.9.9.9',
      'unknown, 9.9.9.9',
      '9.1.1.1, 9.9.9.9',
    ].map(forwardedFor),
  },
  {
    name: 'trusted proxies without the peer',
    manager: detection(['xff', proxies('9.0.0.0/8')]),
    cases: [forwardedFor('1.1.1.1, 9.9.9.9'), sent({})],
  },
  {
    name: 'custom header',
    manager: { ...own, ...detection(['custom_header', { header_name: 'X-Real-Ip' }]) },
    cases: [
      sent({ 'X-Real-Ip': '5.5.5.5' }),
      sent({ 'X-Real-Ip': '10.5.5.5', 'X-Envoy-Max-Retries': '1' }),
      sent({ 'X-Real-Ip': '5.5.5.5:80' }),
      sent({ 'X-Real-Ip': '2001:DB8:0::1' }),
      sent({ 'X-Real-Ip': '' }),
      {
        name: 'twice',
        requests: [
          {
            headers: [
              ['X-Real-Ip', '5.5.5.5'],
              ['X-Real-Ip', '6.6.6.6'],
            ],
          },
        ],
      },
    ],
  },
  {
    name: 'trusted custom header',
    manager: {
      ...own,
      ...detection(['custom_header', { header_name: 'x-real-ip', allow_extension_to_set_address_as_trusted: true }]),
    },
    cases: [sent({ 'X-Real-Ip': '10.5.5.5' }), sent({ 'X-Real-Ip': '5.5.5.5' })],
  },
  ...['Unauthorized', 'OK', 'TooManyRequests', 'NetworkAuthenticationRequired'].map(
    (code): Variant => ({
      name: `custom header or ${code}`,
      manager: detection(['custom_header', { header_name: 'x-real-ip', reject_with_status: { code } }]),
      cases: [sent({}), sent({ 'X-Real-Ip': 'unknown' }), sent({ 'X-Real-Ip': '5.5.5.5' })],
    }),
  ),
  {
    name: 'custom header, then xff that appends',
    manager: detection(['custom_header', { header_name: 'x-real-ip' }], ['xff', { skip_xff_append: false }]),
    cases: [sent({ 'X-Real-Ip': '5.5.5.5' }), sent({ 'X-Real-Ip': 'unknown', 'X-Forwarded-For': '1.1.1.1' })],
  },
];

const internal: readonly Variant[] = [
  {
    name: 'internal addresses of no range',
    manager: { internal_address_config: {} },
    cases: [
      '10.1.1.1',
      '172.16.0.1',
      '172.31.255.255',
      '172.32.0.1',
      '192.168.1.1',
      '127.0.0.1',
      '127.0.0.2',
      '169.254.0.1',
      '100.64.0.1',
      '::1',
      'fc00::1',
      'fd12::1',
      'fe80::1',
      '::ffff:10.0.0.1',
    ].map(forwardedFor),
  },
  {
    name: 'no internal addresses',
    cases: [sent({}), forwardedFor('10.0.0.1'), forwardedFor('127.0.0.1')],
  },
  { name: 'at the edge', manager: edge, cases: [sent({}), forwardedFor('1.1.1.1')] },
  { name: 'internal at the edge', manager: { ...edge, ...own }, cases: [sent({}), forwardedFor('10.0.0.1')] },
  {
    name: 'edge that does not append',
    manager: { ...edge, skip_xff_append: true },
    cases: [sent({}), forwardedFor('1.1.1.1')],
  },
  {
    name: 'two lines of x-forwarded-for',
    manager: { ...edge, xff_num_trusted_hops: 1 },
    cases: [
      {
        name: 'joined',
        requests: [
          {
            headers: [
              ['X-Forwarded-For', '1.1.1.1'],
              ['X-Forwarded-For', '2.2.2.2'],
            ],
          },
        ],
      },
    ],
  },
];

const refused = (name: string, config: Json): Scenario => ({
  ...variants('client address', name, [{ name: '', manager: config, cases: [] }]),
  validateOnly: true,
});

export const scenarios: readonly Scenario[] = [
  variants('client address', 'x-forwarded-for', hops, { log }),
  variants('client address', 'detection extensions', extensions, {
    log,
    stats: [/^http\.in\.downstream_rq_rejected_via_ip_detection$/],
  }),
  variants('client address', 'internal requests', internal, { log }),
  refused('detection and the remote address', { ...edge, ...detection(['xff', {}]) }),
  refused('detection and trusted hops', { xff_num_trusted_hops: 1, ...detection(['xff', {}]) }),
  refused('a refusal without code', detection(['custom_header', { header_name: 'x', reject_with_status: {} }])),
  refused('a custom header without name', detection(['custom_header', {}])),
  refused('hops and proxies', detection(['xff', { ...proxies('9.0.0.0/8'), xff_num_trusted_hops: 1 }])),
];
