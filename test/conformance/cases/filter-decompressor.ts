import zlib from 'node:zlib';
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

const TYPE = 'envoy.extensions.filters.http.decompressor.v3.Decompressor';
const feature = 'decompressor filter';
const stats = [/^http\.in\.decompressor\./];

const LIBRARIES = {
  gzip: 'gzip.decompressor.v3.Gzip',
  br: 'brotli.decompressor.v3.Brotli',
  zstd: 'zstd.decompressor.v3.Zstd',
} as const;
type Library = keyof typeof LIBRARIES;

// Envoy keeps the trailers' names of the first library of a process for all of them.
const decompressor = (config: Json = {}, name: Library = 'gzip', options: Json = {}, label = 'Lib'): Json => ({
  name: `decompress-${name}`,
  typed_config: typed(TYPE, {
    decompressor_library: {
      name: label,
      typed_config: typed(`envoy.extensions.compression.${LIBRARIES[name]}`, options),
    },
    ...config,
  }),
});
const common = (config: Json): Json => ({ common_config: config });
const flag = (value: boolean): Json => ({ enabled: { default_value: value, runtime_key: 'on' } });

const TEXT = 'a body that is longer than thirty bytes, and that is it. ';
const LONG = Array.from({ length: 3000 }, (_, at) => `line ${at} of a long text\n`).join('');
const pack: Readonly<Record<Library, (text: string) => Buffer>> = {
  gzip: (text) => zlib.gzipSync(text),
  br: (text) => zlib.brotliCompressSync(text),
  zstd: (text) => zlib.zstdCompressSync(text),
};
const packed = (text: string, name: Library = 'gzip'): string => pack[name](text).toString('latin1');

const answer = (body: string, headers: Readonly<Record<string, string>> = {}, chunked = false): Behaviour => {
  const framed = {
    ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }),
    'content-encoding': 'gzip',
    ...headers,
  };
  const lines = Object.entries(framed).flatMap(([name, value]) => (value === '' ? [] : `${name}: ${value}\r\n`));
  const payload = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return { raw: `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n${payload}` };
};

interface Row {
  readonly name: string;
  readonly request?: Request;
  readonly answer?: Behaviour;
  readonly more?: Partial<Case>;
}

const chain = (name: string, filters: readonly Json[], rows: readonly Row[], more: Json = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) => {
    const config = {
      access_log: [fileLog(places)],
      http_filters: [...filters, router()],
      route_config: routeConfig([toCluster()]),
      ...more,
    };
    return bootstrap(places, [listener(places, 0, [manager(places, config)])], [cluster(places, 0)]);
  },
  cases: rows.map(
    (row): Case => ({
      name: row.name,
      decoded: true,
      requests: [row.request ?? {}],
      ...(row.answer ? { backends: { 0: [row.answer] } } : {}),
      ...row.more,
    }),
  ),
});

const codings: readonly Row[] = [
  'gzip',
  'GZip',
  ' gzip ',
  'gzip, br',
  'gzip,br',
  'gzip ,  br , x',
  'br, gzip',
  'x-gzip',
  'identity',
  'br',
  'gzip;q=1',
  'gzip,',
  ',gzip',
].map((value) => ({
  name: `content-encoding ${JSON.stringify(value)}`,
  answer: answer(packed(TEXT), { 'content-encoding': value }),
  more: /^ *gzip *$/i.test(value) ? {} : { without: ['bodies'] },
}));

const bodies: readonly Row[] = [
  { name: 'without content-encoding', answer: answer(TEXT, { 'content-encoding': '' }) },
  { name: 'a long body', answer: answer(packed(LONG)) },
  { name: 'chunked', answer: answer(packed(TEXT), {}, true) },
  { name: 'empty', answer: answer('') },
  { name: 'of nothing', answer: answer(packed('')) },
  {
    name: 'an empty chunked body',
    answer: { raw: 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' },
  },
  {
    name: 'until the end of the connection',
    answer: { raw: `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n${packed(TEXT)}`, afterwards: 'close' },
  },
  {
    name: 'HEAD',
    request: { method: 'HEAD' },
    answer: { raw: 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 50\r\n\r\n' },
    more: { methods: ['HEAD'] },
  },
  { name: '304', answer: { raw: 'HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n' } },
  {
    name: 'in two pieces',
    answer: {
      raw: [
        {
          raw: `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed(TEXT).length}\r\n\r\n${packed(TEXT).slice(0, 5)}`,
        },
        { raw: packed(TEXT).slice(5), afterMs: 100 },
      ],
    },
  },
  {
    name: 'the trailer by itself',
    answer: {
      raw: [
        {
          raw: `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed(TEXT).length}\r\n\r\n${packed(TEXT).slice(0, -8)}`,
        },
        { raw: packed(TEXT).slice(-8), afterMs: 100 },
      ],
    },
  },
  { name: 'not gzip', answer: answer('this is no gzip, it only says that it is') },
  { name: 'not gzip, short', answer: answer('x') },
  { name: 'a header alone', answer: answer(packed(TEXT).slice(0, 10)) },
  { name: 'half of a header', answer: answer(packed(TEXT).slice(0, 6)) },
  { name: 'cut short', answer: answer(packed(TEXT).slice(0, -12)) },
  { name: 'without its trailer', answer: answer(packed(TEXT).slice(0, -8)) },
  { name: 'a wrong checksum', answer: answer(`${packed(TEXT).slice(0, -8)}abcd${packed(TEXT).slice(-4)}`) },
  { name: 'a wrong length', answer: answer(`${packed(TEXT).slice(0, -4)}abcd`) },
  { name: 'bytes behind', answer: answer(`${packed(TEXT)}more`) },
  { name: 'two members', answer: answer(packed(TEXT) + packed('second')) },
  {
    name: 'a header of all parts',
    answer: answer(
      `${Buffer.from('1f8b081c000000000003', 'hex').toString('latin1')}\x03\0xyzname\0comment\0${packed(TEXT).slice(10)}`,
    ),
  },
  {
    name: 'a header with a checksum that is wrong',
    answer: answer(`${Buffer.from('1f8b08020000000000030000', 'hex').toString('latin1')}${packed(TEXT).slice(10)}`),
  },
  {
    name: 'a reserved flag',
    answer: answer(`${Buffer.from('1f8b0880000000000003', 'hex').toString('latin1')}${packed(TEXT).slice(10)}`),
  },
  {
    name: 'another method',
    answer: answer(`${Buffer.from('1f8b0700000000000003', 'hex').toString('latin1')}${packed(TEXT).slice(10)}`),
  },
  {
    name: 'the upstream breaks off',
    answer: {
      raw: `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 500\r\n\r\n${packed(TEXT)}`,
      afterwards: 'close',
    },
  },
  {
    name: 'a bomb',
    answer: answer(packed('a'.repeat(3_000_000)).slice(0, 2000)),
    more: { without: ['bodies', 'log'] },
  },
  ...['no-transform', 'private, No-Transform', 'private'].map((value) => ({
    name: `cache-control ${value}`,
    answer: answer(packed(TEXT), { 'cache-control': value }),
  })),
  {
    name: 'the next request',
    more: { requests: [{}, {}], backends: { 0: [answer(packed(TEXT)), answer(packed(LONG))] } },
  },
];

const accepted: readonly Row[] = [
  '',
  'gzip',
  'gzip;q=0.1',
  'br',
  'br, gzip;q=0.1, x',
  'GZIP',
  '*',
  ' , br ,',
  'gzip, gzip',
].map((value) => ({
  name: `accept-encoding ${JSON.stringify(value)}`,
  request: { headers: { 'accept-encoding': value } },
}));

const post = (
  body: string,
  headers: Readonly<Record<string, string>> = { 'content-encoding': 'gzip' },
  more: Request = {},
): Request => ({ method: 'POST', body, headers, ...more });
const requests: readonly Row[] = [
  { name: 'a body', request: post(packed(TEXT)) },
  { name: 'a long body', request: post(packed(LONG)) },
  { name: 'chunked', request: post(packed(TEXT), { 'content-encoding': 'gzip' }, { chunked: true }) },
  { name: 'another encoding', request: post(TEXT, { 'content-encoding': 'x' }) },
  { name: 'two encodings', request: post(packed(TEXT), { 'content-encoding': 'gzip, x' }) },
  {
    name: 'no-transform',
    request: post(packed(TEXT), { 'content-encoding': 'gzip', 'cache-control': 'no-transform' }),
  },
  { name: 'no body', request: { headers: { 'content-encoding': 'gzip' } } },
  { name: 'not gzip', request: post('this is no gzip') },
];

const broken = (name: Library): readonly Row[] => [
  { name: 'a body', answer: answer(packed(TEXT, name), { 'content-encoding': name }) },
  { name: 'a long body', answer: answer(packed(LONG, name), { 'content-encoding': name }) },
  { name: 'a request', request: post(packed(TEXT, name), { 'content-encoding': name }) },
  { name: 'not that', answer: answer('x'.repeat(40), { 'content-encoding': name }) },
  {
    name: 'cut short',
    answer: answer(packed(TEXT, name).slice(0, 10), { 'content-encoding': name }),
    more: { without: ['bodies'] },
  },
  { name: 'gzip is not its business', answer: answer(packed(TEXT)) },
];

const frames = packed(TEXT, 'zstd') + packed('and another frame', 'zstd');
const checked = zlib.zstdCompressSync(TEXT, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }).toString('latin1');

const dictionary = zlib.gzipSync('x').subarray(0, 4).toString('base64');

const refusal = (name: string, filter: Json): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) => simple(places, { manager: { http_filters: [filter, router()] } }),
  cases: [],
});
const bounds: readonly (readonly [Library, string, readonly unknown[]])[] = [
  ['gzip', 'window_bits', [8, 9, 15, 16]],
  ['gzip', 'chunk_size', [4095, 4096, 65536, 65537]],
  ['gzip', 'max_inflate_ratio', [0, 1, 1032, 1033]],
  ['br', 'chunk_size', [4095, 65537]],
  ['zstd', 'chunk_size', [4095, 65537]],
];

export const scenarios: readonly Scenario[] = [
  chain('content-encoding', [decompressor()], codings),
  chain('responses', [decompressor()], bodies),
  chain('requests', [decompressor()], requests),
  chain('accept-encoding', [decompressor()], accepted),
  chain(
    'accept-encoding is left',
    [decompressor({ request_direction_config: { advertise_accept_encoding: false } })],
    accepted,
  ),
  chain(
    'accept-encoding without responses',
    [decompressor({ response_direction_config: common(flag(false)) })],
    [...accepted, { name: 'a response', answer: answer(packed(TEXT)) }],
  ),
  chain(
    'without requests',
    [decompressor({ request_direction_config: common(flag(false)) })],
    [...accepted, ...requests],
  ),
  chain(
    'no-transform is ignored',
    [
      decompressor({
        response_direction_config: common({ ignore_no_transform_header: true }),
        request_direction_config: common({ ignore_no_transform_header: true }),
      }),
    ],
    [
      { name: 'a response', answer: answer(packed(TEXT), { 'cache-control': 'no-transform' }) },
      {
        name: 'a request',
        request: post(packed(TEXT), { 'content-encoding': 'gzip', 'cache-control': 'no-transform' }),
      },
    ],
  ),
  chain(
    'trailers',
    [decompressor()],
    [...requests, { name: 'a response', answer: answer(packed(TEXT)), request: { headers: { te: 'trailers' } } }],
    {
      http_protocol_options: { enable_trailers: true },
    },
  ),
  chain(
    'small windows and chunks',
    [decompressor({}, 'gzip', { window_bits: 9, chunk_size: 4096 })],
    [
      { name: 'a body', answer: answer(packed(TEXT)) },
      { name: 'a long body', answer: answer(zlib.gzipSync(LONG, { windowBits: 9 }).toString('latin1')) },
    ],
  ),
  chain(
    'a ratio of 1',
    [decompressor({}, 'gzip', { max_inflate_ratio: 1, chunk_size: 65536 })],
    [
      { name: 'a short body', answer: answer(packed(TEXT)) },
      { name: 'a long body', answer: answer(packed('a'.repeat(200_000))), more: { without: ['bodies', 'log'] } },
    ],
  ),
  chain(
    'brotli',
    [decompressor({}, 'br', { disable_ring_buffer_reallocation: true, chunk_size: 65536 })],
    broken('br'),
  ),
  chain(
    'zstd',
    [decompressor({}, 'zstd')],
    [
      ...broken('zstd'),
      { name: 'two frames', answer: answer(frames, { 'content-encoding': 'zstd' }) },
      { name: 'with a checksum', answer: answer(checked, { 'content-encoding': 'zstd' }) },
      {
        name: 'with a wrong checksum',
        answer: answer(`${checked.slice(0, -1)}x`, { 'content-encoding': 'zstd' }),
        more: { without: ['bodies', 'log'] },
      },
    ],
  ),
  chain(
    'trailers of two libraries',
    [decompressor({}, 'gzip', {}, 'One'), decompressor({}, 'br', {}, 'Two')],
    [
      { name: 'of the first', answer: answer(packed(TEXT)) },
      {
        name: 'of the second',
        answer: answer(packed(TEXT, 'br'), { 'content-encoding': 'br' }),
        more: { difference: 'decompressor-trailers' },
      },
    ],
    { http_protocol_options: { enable_trailers: true } },
  ),
  chain(
    'what is broken',
    [decompressor(), decompressor({}, 'zstd')],
    [
      {
        name: 'in the middle',
        answer: answer(`${packed(LONG).slice(0, 3000)}${'\xff'.repeat(50)}${packed(LONG).slice(3050)}`),
        more: { difference: 'broken-compression', without: ['log'] },
      },
      {
        name: 'a bomb of zstd',
        answer: answer(packed('a'.repeat(3_000_000), 'zstd'), { 'content-encoding': 'zstd' }),
        more: { difference: 'zstd-bomb', without: ['log'] },
      },
    ],
  ),
  chain(
    'two in a chain',
    [decompressor(), decompressor({}, 'br')],
    [
      { name: 'accept-encoding', request: { headers: { 'accept-encoding': 'x' } } },
      { name: 'gzip', answer: answer(packed(TEXT)) },
      { name: 'br', answer: answer(packed(TEXT, 'br'), { 'content-encoding': 'br' }) },
      {
        name: 'br of gzip',
        answer: answer(pack.br(TEXT).toString('latin1'), { 'content-encoding': 'br, gzip' }),
        more: { without: ['bodies'] },
      },
    ],
  ),
  refusal('no library', { name: 'd', typed_config: typed(TYPE) }),
  refusal('a library without a configuration', {
    name: 'd',
    typed_config: typed(TYPE, { decompressor_library: { name: 'x' } }),
  }),
  refusal('a compressor', {
    name: 'd',
    typed_config: typed(TYPE, {
      decompressor_library: { name: 'x', typed_config: typed('envoy.extensions.compression.gzip.compressor.v3.Gzip') },
    }),
  }),
  refusal(
    'a flag without a default',
    decompressor({ response_direction_config: common({ enabled: { runtime_key: 'x' } }) }),
  ),
  refusal('a dictionary that is none', decompressor({}, 'zstd', { dictionaries: [{ inline_bytes: dictionary }] })),
  ...bounds.flatMap(([name, field, values]) =>
    values.map((value) =>
      refusal(`${name} ${field} ${JSON.stringify(value)}`, decompressor({}, name, { [field]: value })),
    ),
  ),
];
