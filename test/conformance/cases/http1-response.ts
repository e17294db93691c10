import { cluster, typed } from '../config.ts';
import { answered, quickClose, strict } from '../http1.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';
import { variants } from '../variants.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const TWO = 'content-length: 2\r\n\r\nok';

const statusLines: readonly Case[] = [
  answered('another reason', `HTTP/1.1 200 Fine and dandy\r\n${TWO}`),
  answered('no reason', `HTTP/1.1 200\r\n${TWO}`),
  answered('an empty reason', `HTTP/1.1 200 \r\n${TWO}`),
  answered('other letters in the reason', `HTTP/1.1 200 \xe9\r\n${TWO}`),
  answered('a control character in the reason', `HTTP/1.1 200 a\x01b\r\n${TWO}`),
  answered('a tab in the reason', `HTTP/1.1 200 a\tb\r\n${TWO}`),
  answered('a CR in the reason', `HTTP/1.1 200 a\rb\r\n${TWO}`, strict.line),
  answered('two spaces', `HTTP/1.1  200  OK\r\n${TWO}`),
  answered('tabs', `HTTP/1.1\t200\tOK\r\n${TWO}`),
  answered('HTTP/1.0', `HTTP/1.0 200 OK\r\n${TWO}`),
  answered('HTTP/1.0 that stays', `HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n${TWO}`),
  answered('HTTP/1.0 until the end', 'HTTP/1.0 200 OK\r\n\r\nok', { afterwards: 'close' }),
  answered('HTTP/1.0 with chunks', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
  ...['HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9'].map((version) => answered(version, `${version} 200 OK\r\n${TWO}`)),
  ...['HTTP/1', 'http/1.1', 'HTTPS/1.1', 'HTTP/1.10', ' HTTP/1.1', '\r\nHTTP/1.1', 'ICY'].map((version) =>
    answered(`no version ${JSON.stringify(version)}`, `${version} 200 OK\r\n${TWO}`),
  ),
  answered('no status line', 'ok'),
  answered('a request', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
  ...['600', '999', '1000', '2000', '+200', '0200', '00200', '299', '425', '599', '418', '451'].map((status) =>
    answered(`status ${status}`, `HTTP/1.1 ${status} X\r\n${TWO}`),
  ),
  answered('status 99 and nothing', 'HTTP/1.1 99 X\r\ncontent-length: 0\r\n\r\n', { timeoutMs: 300, ...strict.status }),
  ...['099', '99', '20', '2', '2x0', '-200', '0', '', '65536', '20 0', '200.0', '0x200'].map((status) =>
    answered(`no status ${JSON.stringify(status)}`, `HTTP/1.1 ${status} X\r\n${TWO}`),
  ),
];

const early = (status: number, fields = ''): string => `HTTP/1.1 ${status} Early\r\n${fields}\r\n`;

const interim: readonly Case[] = [
  answered('100', `${early(100)}${OK}${TWO}`),
  answered('100 with fields', `${early(100, 'x: y\r\n')}${OK}${TWO}`),
  answered('102', `${early(102, 'x: y\r\n')}${OK}${TWO}`),
  answered('103', `${early(103, 'link: x\r\n')}${OK}${TWO}`),
  answered('103 twice', `${early(103)}${early(103)}${OK}${TWO}`),
  answered('104', `${early(104)}${OK}${TWO}`),
  answered('105', `${early(105)}${OK}${TWO}`),
  answered('199', `${early(199)}${OK}${TWO}`),
  answered('two hundred of them', `${early(103).repeat(200)}${OK}${TWO}`),
  answered('100 with a length of 0', `${early(100, 'content-length: 0\r\n')}${OK}${TWO}`),
  answered('100 with a length', `${early(100, 'content-length: 2\r\n')}${OK}${TWO}`),
  answered('103 with chunks', `${early(103, 'transfer-encoding: chunked\r\n')}${OK}${TWO}`),
  answered('100 and nothing more', early(100), { afterwards: 'close' }),
  answered('103 and part of a head', `${early(103)}HTT`, { afterwards: 'close' }),
  answered('101 nobody asked for', 'HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  answered('101 nobody asked for, and bytes', 'HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello'),
];

const HEAD = { method: 'HEAD' } as const;
const chunked = (body: string, fields = ''): string => `${OK}transfer-encoding: chunked\r\n${fields}\r\n${body}`;

const framing: readonly Case[] = [
  answered('204', 'HTTP/1.1 204 N\r\n\r\n'),
  answered('204 with a length of 0', 'HTTP/1.1 204 N\r\ncontent-length: 0\r\n\r\n'),
  answered('204 with a length of 00', 'HTTP/1.1 204 N\r\ncontent-length: 00\r\n\r\n'),
  answered('204 with a length', `HTTP/1.1 204 N\r\n${TWO}`),
  answered('204 with chunks', 'HTTP/1.1 204 N\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  answered('204 and bytes', 'HTTP/1.1 204 N\r\n\r\nXX'),
  answered('304', 'HTTP/1.1 304 N\r\n\r\n'),
  answered('304 with a length', 'HTTP/1.1 304 N\r\ncontent-length: 7\r\n\r\n'),
  answered('304 with a coding', 'HTTP/1.1 304 N\r\ntransfer-encoding: chunked\r\n\r\n'),
  answered('304 with chunks', 'HTTP/1.1 304 N\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
  answered('205 with a body', `HTTP/1.1 205 N\r\n${TWO}`),
  answered('205 until the end', 'HTTP/1.1 205 N\r\n\r\n', { afterwards: 'close' }),
  answered('HEAD with a length', `${OK}content-length: 9\r\n\r\n`, HEAD),
  answered('HEAD with a coding', `${OK}transfer-encoding: chunked\r\n\r\n`, HEAD),
  answered('HEAD with neither', `${OK}\r\n`, HEAD),
  answered('HEAD and a body', `${OK}${TWO}`, HEAD),
  answered('HEAD that closes', `${OK}connection: close\r\n\r\n`, HEAD),
  answered('HEAD with 404', 'HTTP/1.1 404 N\r\ncontent-length: 0\r\n\r\n', HEAD),
  answered('length and chunks', chunked('2\r\nok\r\n0\r\n\r\n', 'content-length: 2\r\n')),
  answered('the same length twice', `${OK}content-length: 2\r\n${TWO}`),
  ...['x', '', '2, 2', '-2', '99999999999999999999'].map((length) =>
    answered(`length ${JSON.stringify(length)}`, `${OK}content-length: ${length}\r\n\r\nok`),
  ),
  ...['gzip', 'gzip, chunked', 'identity', '', 'chunked, chunked'].map((coding) =>
    answered(`coding ${JSON.stringify(coding)}`, `${OK}transfer-encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
  ),
  answered('chunked twice', chunked('2\r\nok\r\n0\r\n\r\n', 'transfer-encoding: chunked\r\n')),
  answered('until the end', `${OK}\r\nhello`, { afterwards: 'close' }),
  answered('until the end, nothing', `${OK}\r\n`, { afterwards: 'close' }),
  answered('until a reset', `${OK}\r\nhello`, { afterwards: 'reset' }),
  answered('cut in the body', `${OK}content-length: 9\r\n\r\nok`, { afterwards: 'close' }),
  answered('cut in a chunk', chunked('9\r\nok'), { afterwards: 'close' }),
  answered('cut before the last chunk', chunked('2\r\nok\r\n'), { afterwards: 'close' }),
  answered('cut in the head', `${OK}content-le`, { afterwards: 'close' }),
  answered('cut in the status line', 'HTTP', { afterwards: 'close' }),
  answered('a length of 0', `${OK}content-length: 0\r\n\r\n`),
];

const chunks: readonly Case[] = [
  answered('extensions', chunked('2;a=b\r\nok\r\n0;x\r\n\r\n')),
  answered('quoted extensions', chunked('2;a="b;c"\r\nok\r\n0\r\n\r\n')),
  answered('capital digits and zeros', chunked('00A\r\n0123456789\r\n000\r\n\r\n')),
  answered('no size', chunked('x\r\nok\r\n0\r\n\r\n')),
  answered('an empty size', chunked('\r\nok\r\n0\r\n\r\n')),
  answered('a size beyond 64 bits', chunked('10000000000000000\r\nok\r\n0\r\n\r\n')),
  answered('a signed size', chunked('+2\r\nok\r\n0\r\n\r\n')),
  answered('a size of 0x2', chunked('0x2\r\nok\r\n0\r\n\r\n')),
  answered('a space before a size', chunked(' 2\r\nok\r\n0\r\n\r\n')),
  answered('a space after a size', chunked('2 \r\nok\r\n0\r\n\r\n'), strict.chunk),
  answered('a word after a size', chunked('2 x\r\nok\r\n0\r\n\r\n'), strict.chunk),
  answered('bytes after the data', chunked('2\r\nokXX\r\n0\r\n\r\n'), strict.chunk),
  answered('bare LF', chunked('2\nok\n0\n\n')),
  answered('a bare LF after the data', chunked('2\r\nok\n0\r\n\r\n'), strict.chunk),
  answered('trailers, dropped', chunked('2\r\nok\r\n0\r\nt: v\r\n\r\n')),
  answered('a trailer without a colon', chunked('2\r\nok\r\n0\r\nt v\r\n\r\n')),
  answered('a trailer with a NUL', chunked('2\r\nok\r\n0\r\nt: \0\r\n\r\n')),
];

const fields: readonly Case[] = [
  answered('connection: close', `${OK}connection: close\r\n${TWO}`),
  answered('nominated fields stay', `${OK}connection: x-a\r\nx-a: 1\r\n${TWO}`),
  answered('an upgrade offered', `${OK}connection: upgrade\r\nupgrade: h2c\r\n${TWO}`),
  answered('keep-alive', `${OK}keep-alive: timeout=5\r\n${TWO}`),
  answered('proxy-connection: close', `${OK}proxy-connection: close\r\n${TWO}`),
  answered('names in capitals', `${OK}X-ABC: D\r\nContent-Length: 2\r\n\r\nok`),
  answered('an empty value', `${OK}a:\r\n${TWO}`),
  answered('an underscore', `${OK}a_b: c\r\n${TWO}`),
  answered('a folded line', `${OK}a: b\r\n c\r\n${TWO}`, strict.fold),
  answered('bare LF', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n', strict.line),
  answered('a bare CR in a value', `${OK}a: b\rc\r\n${TWO}`, strict.line),
  answered('a space before the colon', `${OK}a : b\r\n${TWO}`),
  answered('a NUL in a value', `${OK}a: \0\r\n${TWO}`),
  answered('a bad name', `${OK}a(b: c\r\n${TWO}`),
  answered('no colon', `${OK}abc\r\n${TWO}`),
  answered('100 fields', `${OK}${'a: b\r\n'.repeat(99)}${TWO}`),
  answered('101 fields', `${OK}${'a: b\r\n'.repeat(100)}${TWO}`),
  answered('80 KiB', `${OK}a: ${'x'.repeat(81_920 - 17 - 3 - 2 - 21)}\r\ncontent-length: 0\r\n\r\n`),
  answered('80 KiB and 1', `${OK}a: ${'x'.repeat(81_920 - 16 - 3 - 2 - 21)}\r\ncontent-length: 0\r\n\r\n`),
  ...'vary via location etag cache-control content-type age expires grpc-status'
    .split(' ')
    .map((name) => answered(`${name} twice becomes one`, `${OK}${name}: 1\r\nq: z\r\n${name}: 2\r\n${TWO}`)),
  ...'set-cookie link www-authenticate allow x-a warning accept'
    .split(' ')
    .map((name) => answered(`${name} twice stays two`, `${OK}${name}: 1\r\nq: z\r\n${name}: 2\r\n${TWO}`)),
];

const again: readonly Case[] = [
  ['bytes after the body', `${OK}${TWO}XX`],
  ['a second response', `${OK}${TWO}${OK}${TWO}`],
  ['an empty line after the body', `${OK}${TWO}\r\n`],
  ['bytes after the last chunk', chunked('2\r\nok\r\n0\r\n\r\nX')],
  ['bytes after no body', `${OK}content-length: 0\r\n\r\nXX`],
  ['nothing after the body', `${OK}${TWO}`],
].map(([name = '', reply = '']) =>
  // What came too much ends the connection: the next request goes over another.
  answered(name, reply, { requests: [{}, {}], methods: ['GET', 'GET'] }),
);

const options =
  (http1: Json, common: Json = {}) =>
  (places: Places) => [
    cluster(places, 0, [0], {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          {
            explicit_http_config: { http_protocol_options: http1 },
            common_http_protocol_options: common,
          },
        ),
      },
    }),
  ];

const plain = (name: string, cases: readonly Case[]): Scenario =>
  variants('HTTP/1 codec', name, [{ name: 'default', manager: quickClose, cases }]);

export const scenarios: readonly Scenario[] = [
  plain('status lines of responses', statusLines),
  plain('responses of 1xx', interim),
  plain('framing of responses', framing),
  plain('chunks of responses', chunks),
  plain('fields of responses', fields),
  plain('bytes after a response', again),
  variants(
    'HTTP/1 options',
    'limits of responses',
    [
      {
        name: '5 fields, 8 KiB',
        manager: quickClose,
        cases: [
          answered('5 fields', `${OK}${'a: b\r\n'.repeat(4)}${TWO}`),
          answered('6 fields', `${OK}${'a: b\r\n'.repeat(5)}${TWO}`),
          answered('8 KiB', `${OK}a: ${'x'.repeat(8192 - 17 - 3 - 2 - 21)}\r\ncontent-length: 0\r\n\r\n`),
          answered('8 KiB and 1', `${OK}a: ${'x'.repeat(8192 - 16 - 3 - 2 - 21)}\r\ncontent-length: 0\r\n\r\n`),
          answered('an underscore', `${OK}a_b: c\r\n${TWO}`),
        ],
      },
    ],
    {
      clusters: options(
        {},
        { max_headers_count: 5, max_response_headers_kb: 8, headers_with_underscores_action: 'REJECT_REQUEST' },
      ),
    },
  ),
  variants(
    'HTTP/1 options',
    'a cluster that takes length with chunks and sends absolute targets',
    [
      {
        name: 'both',
        manager: quickClose,
        cases: [
          answered('length and chunks', chunked('2\r\nok\r\n0\r\n\r\n', 'content-length: 9\r\n')),
          answered('length and gzip', `${OK}transfer-encoding: gzip\r\ncontent-length: 2\r\n\r\nok`),
          { name: 'https in the target', requests: ['GET https://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n'] },
        ],
      },
    ],
    { clusters: options({ allow_chunked_length: true, send_fully_qualified_url: true }) },
  ),
];
