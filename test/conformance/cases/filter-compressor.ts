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
import type { Behaviour, Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.compressor.v3.Compressor';
const PER_ROUTE = 'envoy.extensions.filters.http.compressor.v3.CompressorPerRoute';
const feature = 'compressor filter';
const stats = [/^http\.in\.compressor\.(?!.*total_compressed_bytes)/];
/** The usual line without the bytes sent, which depend on the build of a library. */
const LINE = '%REQ(:METHOD)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED%\n';

const LIBRARIES = {
  gzip: 'gzip.compressor.v3.Gzip',
  br: 'brotli.compressor.v3.Brotli',
  zstd: 'zstd.compressor.v3.Zstd',
} as const;
type Library = keyof typeof LIBRARIES;

const library = (name: Library, config: Json = {}): Json => ({
  name,
  typed_config: typed(`envoy.extensions.compression.${LIBRARIES[name]}`, config),
});
const compressor = (config: Json = {}, name: Library = 'gzip', options: Json = {}): Json => ({
  name: `compress-${name}`,
  typed_config: typed(TYPE, { compressor_library: library(name, options), ...config }),
});
const response = (config: Json): Json => ({ response_direction_config: config });
const common = (config: Json): Json => ({ common_config: config });
const flag = (value: boolean): Json => ({ enabled: { default_value: value, runtime_key: 'on' } });

const BODY = 'a body that is longer than thirty bytes, and that is it. '.repeat(3);
const LONG = 'It is a long text and will come in several chunks of the library. '.repeat(2000);

interface Answer {
  readonly status?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly chunked?: boolean;
}

function answer({ status = '200 OK', headers = {}, body = BODY, chunked = false }: Answer = {}): Behaviour {
  const framed = {
    'content-type': 'text/plain',
    ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }),
    ...headers,
  };
  const lines = Object.entries(framed).flatMap(([name, value]) => (value === '' ? [] : `${name}: ${value}\r\n`));
  const payload = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return { raw: `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${payload}` };
}

const accepts = (value: string, more: Request = {}): Request => ({ headers: { 'accept-encoding': value }, ...more });

interface Row {
  readonly name: string;
  readonly request?: Request;
  readonly answer?: Answer;
  readonly more?: Partial<Case>;
}

/** A scenario of one chain. */
const chain = (
  name: string,
  filters: readonly Json[],
  rows: readonly Row[],
  more: { readonly route?: Json; readonly manager?: Json } = {},
): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) => {
    const config = {
      access_log: [fileLog(places, LINE)],
      http_filters: [...filters, router()],
      route_config: routeConfig([{ ...toCluster(), ...more.route }]),
      ...more.manager,
    };
    return bootstrap(places, [listener(places, 0, [manager(places, config)])], [cluster(places, 0)]);
  },
  cases: rows.map(
    (row): Case => ({
      name: row.name,
      decoded: true,
      requests: [row.request ?? accepts('gzip')],
      backends: { 0: [answer(row.answer)] },
      ...row.more,
    }),
  ),
});

const ACCEPTED = [
  'gzip',
  'GZIP',
  'br',
  'identity',
  '*',
  '',
  'deflate',
  'gzip, deflate, br',
  'gzip;q=0',
  'gzip;q=0.0',
  'gzip;q=0.001',
  'gzip;q=1.5',
  'gzip;q=-1',
  'gzip;q=x',
  'gzip;q=',
  'gzip;q',
  'gzip;Q=0',
  'gzip ; q = 0',
  'gzip;q=0;x=1',
  'gzip;x=1;q=0',
  'gzip;level=1',
  'gzip;q=1e-1, identity;q=0.2',
  'identity, gzip',
  'gzip, identity',
  'identity;q=0.5, gzip;q=0.6',
  'identity;q=0.6, gzip;q=0.5',
  'identity;q=0, *;q=0',
  '*;q=0',
  '*;q=0, gzip',
  '*, gzip;q=0',
  '*, identity',
  'identity, *',
  'deflate, *;q=0.1',
  ',gzip,',
  ' , gzip',
  'x-gzip',
  'gzip, gzip;q=0',
];

const negotiation = chain(
  'accept-encoding',
  [compressor()],
  [
    { name: 'none', request: {} },
    {
      name: 'twice',
      request: {
        headers: [
          ['accept-encoding', 'identity;q=0.1'],
          ['Accept-Encoding', 'gzip'],
        ],
      },
    },
    ...ACCEPTED.map((value) => ({ name: JSON.stringify(value), request: accepts(value) })),
  ],
);

const SEVERAL = [
  'gzip, br, zstd',
  'zstd, br, gzip',
  'br;q=0.5, gzip;q=0.7, zstd;q=0.6',
  'gzip;q=0.5, br;q=0.5',
  'br;q=0.5, gzip;q=0.5',
  '*',
  '*, identity',
  'identity;q=0.5, *',
  'gzip;q=0, *',
  'br;q=0, gzip;q=0, *',
  'br;q=0, gzip;q=0, zstd;q=0, *',
  '*, br',
  'br, *',
  'deflate',
];
const severalRows = SEVERAL.map((value) => ({ name: value, request: accepts(value) }));
const all: readonly Library[] = ['gzip', 'br', 'zstd'];

const several = chain(
  'several in a chain',
  all.map((name) => compressor({}, name)),
  severalRows,
);
const first = chain(
  'several, one chosen first',
  [compressor(), compressor({ choose_first: true }, 'br'), compressor({}, 'zstd')],
  severalRows,
);
const firsts = chain(
  'several, two chosen first',
  [compressor({ choose_first: true }), compressor({ choose_first: true }, 'br'), compressor({}, 'zstd')],
  severalRows,
);
const zstdAlone = chain(
  'zstd alone',
  [compressor({}, 'zstd')],
  ['*, identity', '*, *', 'identity;q=0.5, *', 'zstd'].map((value) => ({ name: value, request: accepts(value) })),
);
const byType = chain(
  'several by type',
  [
    compressor(response(common({ content_type: ['text/html'] }))),
    compressor(response(common({ content_type: ['text/css', 'Text/Plain'] })), 'br'),
  ],
  ['text/html', 'text/css', 'text/plain; charset=utf-8', 'TEXT/HTML', 'image/png', ''].map((type) => ({
    name: type === '' ? 'without a type' : type,
    request: accepts('gzip, br;q=0.5'),
    answer: { headers: { 'content-type': type } },
  })),
);

const DEFAULT_TYPES =
  'text/html text/plain text/css application/javascript application/x-javascript text/javascript text/x-javascript text/ecmascript text/js text/jscript ' +
  'text/x-js application/ecmascript application/x-json application/xml application/json image/svg+xml text/xml application/xhtml+xml ' +
  'application/grpc-web application/grpc-web+proto';

const heads: readonly Row[] = [
  ...[
    ...DEFAULT_TYPES.split(' '),
    'application/grpc',
    'image/png',
    'text/plain;charset=x',
    ' text/plain ; a',
    ';',
    'text',
  ].map((type) => ({ name: `content-type ${JSON.stringify(type)}`, answer: { headers: { 'content-type': type } } })),
  { name: 'without a content-type', answer: { headers: { 'content-type': '' } } },
  { name: '29 bytes', answer: { body: 'a'.repeat(29) } },
  { name: '30 bytes', answer: { body: 'a'.repeat(30) } },
  { name: 'no bytes', answer: { body: '' } },
  { name: 'chunked and short', answer: { body: 'abc', chunked: true } },
  {
    name: 'chunked and empty',
    more: {
      backends: {
        0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' }],
      },
    },
  },
  {
    name: 'until the end of the connection',
    more: {
      backends: { 0: [{ raw: `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n${BODY}`, afterwards: 'close' }] },
    },
  },
  { name: 'a long body', answer: { body: LONG } },
  { name: 'a long body in chunks', answer: { body: LONG, chunked: true } },
  ...['no-transform', 'public, No-Transform', 'public', 'no-transformx', 'x;no-transform'].map((value) => ({
    name: `cache-control ${value}`,
    answer: { headers: { 'cache-control': value } },
  })),
  ...['"abc"', 'W/"abc"', 'w/"abc"', 'ab', 'a', 'W/', '""', 'W"abc"'].map((value) => ({
    name: `etag ${value}`,
    answer: { headers: { etag: value } },
  })),
  ...['gzip', 'br', 'identity', 'x'].map((value) => ({
    name: `content-encoding ${value}`,
    answer: { headers: { 'content-encoding': value } },
    more: { decoded: undefined as never },
  })),
  ...['Accept-Encoding', 'accept-encoding', 'Origin', 'Origin,Accept-Encoding', '*', 'Origin , Accept-Encoding '].map(
    (value) => ({
      name: `vary ${value}`,
      answer: { headers: { vary: value } },
    }),
  ),
  { name: 'vary, not compressed for the client', request: accepts('br') },
  { name: 'vary, not compressed for the type', answer: { headers: { 'content-type': 'image/png' } } },
  { name: 'HEAD', request: accepts('gzip', { method: 'HEAD' }), more: { methods: ['HEAD'] } },
  ...['201 Created', '206 Partial Content', '404 Not Found', '500 Internal Server Error'].map((status) => ({
    name: status,
    answer: { status },
  })),
  { name: '204', more: { backends: { 0: [{ raw: 'HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\n\r\n' }] } } },
  {
    name: '304',
    more: {
      backends: {
        0: [{ raw: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\ncontent-type: text/plain\r\n\r\n' }],
      },
    },
  },
  { name: 'HTTP/1.0', request: accepts('gzip', { version: 'HTTP/1.0' }) },
  {
    name: 'the upstream breaks off',
    more: {
      backends: {
        0: [
          {
            raw: `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 300\r\n\r\n${BODY}`,
            afterwards: 'close',
          },
        ],
      },
    },
  },
  {
    name: 'pieces are flushed',
    more: {
      backends: {
        0: [
          {
            raw: [
              {
                raw: `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${2 * BODY.length}\r\n\r\n${BODY}`,
              },
              { raw: BODY, afterMs: 150 },
            ],
          },
        ],
      },
    },
  },
  {
    name: 'the next request',
    more: { requests: [accepts('gzip'), {}, accepts('gzip')], backends: { 0: [answer(), answer(), answer()] } },
  },
];

const settings: readonly (readonly [string, Json, readonly Row[]])[] = [
  [
    'min_content_length',
    response(common({ min_content_length: 100 })),
    [99, 100, 101].map((size) => ({ name: `${size}`, answer: { body: 'b'.repeat(size) } })),
  ],
  [
    'min_content_length of 0',
    response(common({ min_content_length: 0 })),
    [29, 30].map((size) => ({ name: `${size}`, answer: { body: 'b'.repeat(size) } })),
  ],
  [
    'min_content_length of 1',
    response(common({ min_content_length: 1 })),
    [0, 1].map((size) => ({ name: `${size}`, answer: { body: 'b'.repeat(size) } })),
  ],
  ['off', response(common(flag(false))), [{ name: 'a response' }]],
  ['on', response(common(flag(true))), [{ name: 'a response' }]],
  ['an empty direction', response({}), [{ name: 'a response' }, { name: 'without accept-encoding', request: {} }]],
  [
    'disable_on_etag_header',
    response({ disable_on_etag_header: true }),
    ['"abc"', 'W/"abc"'].map((etag) => ({ name: etag, answer: { headers: { etag } } })),
  ],
  [
    'weaken_etag_on_compress',
    response({ weaken_etag_on_compress: true }),
    ['"abc"', 'W/"abc"', 'w/"a"', '""', 'a', 'W/'].map((etag) => ({ name: etag, answer: { headers: { etag } } })),
  ],
  [
    'etag, statuses and types',
    response({ disable_on_etag_header: true, uncompressible_response_codes: [206] }),
    [
      { name: 'a status and etag', answer: { status: '206 Partial Content', headers: { etag: '"a"' } } },
      { name: 'another type and etag', answer: { headers: { 'content-type': 'image/png', etag: '"a"' } } },
      { name: 'no-transform and etag', answer: { headers: { 'cache-control': 'no-transform', etag: '"a"' } } },
      { name: 'content-encoding and etag', answer: { headers: { 'content-encoding': 'x', etag: '"a"' } } },
    ],
  ],
  [
    'both about etag',
    response({ weaken_etag_on_compress: true, disable_on_etag_header: true }),
    [{ name: 'strong', answer: { headers: { etag: '"abc"' } } }],
  ],
  [
    'remove_accept_encoding_header',
    response({ remove_accept_encoding_header: true }),
    [{ name: 'gzip' }, { name: 'br', request: accepts('br') }, { name: 'none', request: {} }],
  ],
  [
    'remove_accept_encoding_header, off',
    response({ remove_accept_encoding_header: true, ...common(flag(false)) }),
    [{ name: 'gzip' }],
  ],
  [
    'uncompressible_response_codes',
    response({ uncompressible_response_codes: [206, 404] }),
    ['200 OK', '206 Partial Content', '404 Not Found'].map((status) => ({ name: status, answer: { status } })),
  ],
  [
    'old fields',
    {
      content_length: 100,
      content_type: ['text/css'],
      disable_on_etag_header: true,
      remove_accept_encoding_header: true,
      runtime_enabled: { default_value: true, runtime_key: 'k' },
    },
    [
      { name: 'another type' },
      { name: 'the type', answer: { headers: { 'content-type': 'text/css' } } },
      { name: 'short', answer: { body: 'a'.repeat(99), headers: { 'content-type': 'text/css' } } },
      { name: 'etag', answer: { headers: { 'content-type': 'text/css', etag: 'W/"1"' } } },
    ],
  ],
  ['old fields beside the new one', { content_length: 1000, ...response({}) }, [{ name: 'a response' }]],
];

const statusRows: readonly Row[] = [
  { name: 'compressed' },
  { name: 'compressed, chunked', answer: { chunked: true } },
  { name: 'without accept-encoding', request: {} },
  { name: 'another encoding', request: accepts('br') },
  { name: 'identity', request: accepts('identity') },
  { name: 'not valid', request: accepts('gzip;q=0') },
  { name: 'too short', answer: { body: 'abc' } },
  { name: 'too short, without accept-encoding', request: {}, answer: { body: 'abc' } },
  { name: 'another type', answer: { headers: { 'content-type': 'image/png' } } },
  { name: 'another type and too short', answer: { body: 'abc', headers: { 'content-type': 'image/png' } } },
  { name: 'no-transform', answer: { headers: { 'cache-control': 'no-transform' } } },
  { name: 'etag', answer: { headers: { etag: '"a"' } } },
  { name: 'a status', answer: { status: '206 Partial Content' } },
  {
    name: 'a status and another type',
    answer: { status: '206 Partial Content', headers: { 'content-type': 'image/png' } },
  },
  { name: 'a status and too short', answer: { status: '206 Partial Content', body: 'a' } },
  { name: 'content-encoding', answer: { headers: { 'content-encoding': 'x' } } },
  {
    name: 'content-encoding and another type',
    answer: { headers: { 'content-encoding': 'x', 'content-type': 'image/png' } },
  },
  { name: 'HEAD', request: accepts('gzip', { method: 'HEAD' }), more: { methods: ['HEAD'] } },
  { name: 'no body', answer: { body: '' } },
  { name: 'a status and etag', answer: { status: '206 Partial Content', headers: { etag: '"a"' } } },
  { name: 'another type and etag', answer: { headers: { 'content-type': 'image/png', etag: '"a"' } } },
  { name: 'too short and etag', answer: { body: 'abc', headers: { etag: '"a"' } } },
  {
    name: 'all at once',
    request: {},
    answer: {
      status: '206 Partial Content',
      body: 'a',
      headers: { 'content-type': 'image/png', 'cache-control': 'no-transform', etag: 'a' },
    },
  },
  { name: 'no-transform and etag', answer: { headers: { 'cache-control': 'no-transform', etag: 'a' } } },
  {
    name: 'no-transform, another encoding',
    request: accepts('br'),
    answer: { headers: { 'cache-control': 'no-transform' } },
  },
  { name: 'another type, without accept-encoding', request: {}, answer: { headers: { 'content-type': 'image/png' } } },
];
const told = { status_header_enabled: true, uncompressible_response_codes: [206], disable_on_etag_header: true };

const post = (body: string, headers: Readonly<Record<string, string>> = {}, more: Request = {}): Request => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'text/plain', ...headers },
  ...more,
});
const requestRows: readonly Row[] = [
  { name: 'a body', request: post(BODY) },
  { name: 'a long body', request: post(LONG) },
  { name: 'chunked', request: post(BODY, {}, { chunked: true }) },
  { name: 'chunked and short', request: post('abc', {}, { chunked: true }) },
  { name: '29 bytes', request: post('a'.repeat(29)) },
  { name: '30 bytes', request: post('a'.repeat(30)) },
  { name: 'no body', request: {} },
  { name: 'another type', request: post(BODY, { 'content-type': 'image/png' }) },
  { name: 'with an encoding', request: post(BODY, { 'content-encoding': 'x' }) },
  { name: 'no-transform is about responses', request: post(BODY, { 'cache-control': 'no-transform' }) },
  { name: 'both directions', request: post(BODY, { 'accept-encoding': 'gzip' }) },
];
const requests = { request_direction_config: {} };

const per = (config: Json): Json => ({ typed_per_filter_config: { 'compress-gzip': typed(PER_ROUTE, config) } });
const both = [{ name: 'a response' }, { name: 'without accept-encoding', request: {} }];
const routed: readonly (readonly [string, Json, Json])[] = [
  ['disabled', {}, { disabled: true }],
  ['disabled, requests too', requests, { disabled: true }],
  ['no override', response(common(flag(false))), { overrides: {} }],
  ['an empty override turns it on', response(common(flag(false))), { overrides: { response_direction_config: {} } }],
  ['accept-encoding goes', {}, { overrides: { response_direction_config: { remove_accept_encoding_header: true } } }],
  [
    'accept-encoding stays',
    response({ remove_accept_encoding_header: true }),
    { overrides: { response_direction_config: { remove_accept_encoding_header: false } } },
  ],
  ['another library', {}, { overrides: { compressor_library: library('br') } }],
  ['another library, requests too', requests, { overrides: { compressor_library: library('br') } }],
];

const OPTIONS: readonly (readonly [Library, Json])[] = [
  [
    'gzip',
    {
      memory_level: 1,
      compression_level: 'BEST_SPEED',
      compression_strategy: 'HUFFMAN_ONLY',
      window_bits: 9,
      chunk_size: 4096,
    },
  ],
  [
    'gzip',
    {
      memory_level: 9,
      compression_level: 'BEST_COMPRESSION',
      compression_strategy: 'RLE',
      window_bits: 15,
      chunk_size: 65536,
    },
  ],
  ['gzip', { compression_level: 'COMPRESSION_LEVEL_4', compression_strategy: 'FILTERED' }],
  ['gzip', { compression_strategy: 'FIXED' }],
  [
    'br',
    {
      quality: 11,
      encoder_mode: 'TEXT',
      window_bits: 10,
      input_block_bits: 16,
      chunk_size: 65536,
      disable_literal_context_modeling: true,
    },
  ],
  ['br', { quality: 0, encoder_mode: 'FONT', window_bits: 24, input_block_bits: 24 }],
  ['zstd', { compression_level: 19, enable_checksum: true, strategy: 'BTULTRA2', chunk_size: 65536 }],
  ['zstd', { compression_level: 4_000_000, strategy: 'FAST' }],
  ['zstd', { compression_level: 0 }],
];

const ofLibrary = OPTIONS.map(([name, options]) =>
  chain(
    `${name} with ${JSON.stringify(options)}`,
    [compressor({}, name, options)],
    [
      { name: 'a body', request: accepts(name) },
      { name: 'a long body', request: accepts(name), answer: { body: LONG, chunked: true } },
    ],
  ),
);

const refusal = (name: string, filter: Json, route: Json = {}): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, { routes: [{ ...toCluster(), ...route }], manager: { http_filters: [filter, router()] } }),
  cases: [],
});
const bare = (config: Json): Json => ({ name: 'c', typed_config: typed(TYPE, config) });
const bounds: readonly (readonly [Library, string, readonly unknown[]])[] = [
  ['gzip', 'memory_level', [0, 1, 9, 10]],
  ['gzip', 'window_bits', [8, 9, 15, 16]],
  ['gzip', 'chunk_size', [4095, 4096, 65536, 65537]],
  ['gzip', 'compression_level', ['COMPRESSION_LEVEL_9', 'COMPRESSION_LEVEL_10', 10]],
  ['gzip', 'compression_strategy', ['FIXED', 'NONE']],
  ['br', 'quality', [0, 11, 12]],
  ['br', 'encoder_mode', ['GENERIC', 'NONE']],
  ['br', 'window_bits', [9, 10, 24, 25]],
  ['br', 'input_block_bits', [15, 16, 24, 25]],
  ['br', 'chunk_size', [4095, 65537]],
  ['zstd', 'strategy', ['LAZY', 'NONE']],
  ['zstd', 'chunk_size', [4095, 65537]],
  ['zstd', 'compression_level', [22, 23, -1]],
];

export const scenarios: readonly Scenario[] = [
  negotiation,
  several,
  first,
  firsts,
  zstdAlone,
  byType,
  chain('heads of responses', [compressor()], heads, {
    manager: { http_protocol_options: { accept_http_10: true } },
  }),
  ...settings.map(([name, config, rows]) => chain(name, [compressor(config)], rows)),
  chain('status header', [compressor(response(told))], statusRows),
  chain(
    'status headers of several',
    [compressor(response(told)), compressor(response({ status_header_enabled: true }), 'br')],
    [
      { name: 'the first', request: accepts('gzip') },
      { name: 'the second', request: accepts('br') },
      { name: 'none', request: accepts('zstd') },
      { name: 'too short', answer: { body: 'a' } },
    ],
  ),
  chain('requests', [compressor(requests)], requestRows),
  chain(
    'requests, not responses',
    [compressor({ ...requests, ...response(common(flag(false))) })],
    requestRows.slice(-1),
  ),
  chain(
    'requests, limits',
    [compressor({ request_direction_config: common({ min_content_length: 200, content_type: ['image/png'] }) })],
    [
      { name: 'another type', request: post(LONG) },
      { name: 'the type', request: post(LONG, { 'content-type': 'image/png' }) },
      { name: 'too short', request: post(BODY, { 'content-type': 'image/png' }) },
    ],
  ),
  chain(
    'requests, off',
    [compressor({ request_direction_config: common(flag(false)) })],
    [{ name: 'a body', request: post(BODY) }],
  ),
  ...routed.map(([name, config, override]) =>
    chain(
      `route: ${name}`,
      [compressor(config)],
      [...both, { name: 'a request', request: post(BODY, { 'accept-encoding': 'gzip, br' }) }],
      {
        route: per(override),
      },
    ),
  ),
  chain('a direct response', [compressor()], [{ name: 'is compressed' }], {
    manager: {
      route_config: routeConfig([
        {
          match: { prefix: '/' },
          direct_response: { status: 200, body: { inline_string: BODY } },
          response_headers_to_add: [{ header: { key: 'content-type', value: 'text/plain' } }],
        },
      ]),
    },
  }),
  ...ofLibrary,
  refusal('no library', bare({})),
  refusal('a library without a configuration', bare({ compressor_library: { name: 'gzip' } })),
  refusal('a library without a name', bare({ compressor_library: { typed_config: library('gzip')['typed_config'] } })),
  refusal(
    'a library of another kind',
    bare({
      compressor_library: { name: 'x', typed_config: typed('envoy.extensions.compression.gzip.decompressor.v3.Gzip') },
    }),
  ),
  refusal('a route that says nothing', compressor(), per({})),
  refusal('a route that is not disabled', compressor(), per({ disabled: false })),
  refusal(
    'a route with a bad library',
    compressor(),
    per({ overrides: { compressor_library: library('gzip', { window_bits: 1 }) } }),
  ),
  refusal('a flag without a default', compressor(response(common({ enabled: { runtime_key: 'x' } })))),
  ...[199, 200, 599, 600].map((code) =>
    refusal(`status ${code}`, compressor(response({ uncompressible_response_codes: [code] }))),
  ),
  refusal('a dictionary of text', compressor({}, 'zstd', { dictionary: { inline_string: 'abc' } })),
  refusal('an empty dictionary', compressor({}, 'zstd', { dictionary: { inline_string: '' } })),
  refusal('a status twice', compressor(response({ uncompressible_response_codes: [200, 200] }))),
  ...bounds.flatMap(([name, field, values]) =>
    values.map((value) =>
      refusal(`${name} ${field} ${JSON.stringify(value)}`, compressor({}, name, { [field]: value })),
    ),
  ),
];
