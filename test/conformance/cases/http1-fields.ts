import { get, post, quickClose, raw, strict } from '../http1.ts';
import type { Case, Scenario } from '../types.ts';
import { variants } from '../variants.ts';

const repeat = (field: string, count: number): string[] => Array.from({ length: count }, () => field);

const syntax: readonly Case[] = [
  ...['a"b', 'a(b', 'a,b', 'a/b', 'a;b', 'a[b', 'a{b', 'a\xe9', 'a b', 'a@b', 'a=b', 'a\\b'].map((name) =>
    get(`name ${JSON.stringify(name)}`, [`${name}: 1`]),
  ),
  get('every character of a token', ["A!#$%&'*+-.^_`|~9z: 1"]),
  get('a NUL in a name', ['a\0b: c']),
  get('no colon', ['abc']),
  get('an empty name', [': x']),
  get('a colon alone', [':']),
  get('a space before the colon', ['a : b']),
  get('a tab before the colon', ['a\t: b']),
  get('two colons', ['a:: b']),
  raw('a folded line first', 'GET / HTTP/1.1\r\n x: y\r\nHost: a\r\n\r\n'),
  ...['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x7f'].map((char) =>
    get(`a value with ${JSON.stringify(char)}`, [`a: b${char}c`]),
  ),
  get('a value with a tab', ['a: b\tc']),
  get('a value of other letters', ['a: \xff\x80\xe9']),
  get('an empty value', ['a:', 'b: ']),
  get('white space around a value', ['a: \t b \t ']),
  get('a folded line', ['a: b', ' c'], strict.fold),
  get('a folded line after an empty value', ['a:', '\tc'], strict.fold),
  get('a line of white space', ['a: b', ' '], strict.fold),
  get('a bare CR in a value', ['a: b\rc'], strict.line),
  get('a CR before the end of a line', ['a: b\r'], strict.line),
  raw('a bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n', strict.line),
  raw('a bare LF at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', { ...strict.line, without: ['log'] }),
  // A connection that the client left in the case before may be logged only now.
  raw('only bare LF', 'GET / HTTP/1.1\nHost: a\n\n', { ...strict.line, without: ['log'] }),
  raw('a bare CR at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\r\rX', { responses: 0, without: ['log'] }),
];

const JOINED =
  'accept accept-encoding access-control-request-headers authorization cache-control content-encoding content-type if-match if-none-match origin pragma user-agent via x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id';
const APART =
  'accept-language cookie dnt forwarded from range warning x-custom x-real-ip traceparent set-cookie date server';

const repeated: readonly Case[] = [
  ...JOINED.split(' ').map((name) => get(`${name} twice becomes one`, [`${name}: 1`, 'q: z', `${name}: 2`])),
  ...APART.split(' ').map((name) => get(`${name} twice stays two`, [`${name}: 1`, 'q: z', `${name}: 2`])),
  get('names in several spellings', ['X-A: 1', 'x-a: 2', 'ACCEPT: 3', 'accept: 4']),
];

const limits: readonly Case[] = [
  get('100 fields', repeat('a: b', 99)),
  get('101 fields', repeat('a: b', 100)),
  get('150 fields that become one', repeat('accept: b', 150)),
  get('101 fields, one of them wrong', [...repeat('a: b', 100), 'x y: z']),
  ...[-1, 0, 1].map((delta) => {
    const before = 'GET / HTTP/1.1\r\nHost: a\r\na: ';
    return raw(`a head of 60 KiB and ${delta}`, `${before}${'x'.repeat(61_436 + delta - before.length)}\r\n\r\n`);
  }),
  raw('60 KiB and no end', `GET / HTTP/1.1\r\nHost: a\r\na: ${'x'.repeat(61_440)}`),
  raw('60 KiB of a method', 'G'.repeat(61_440)),
  raw(
    'empty lines do not count',
    `${'\r\n'.repeat(1000)}GET / HTTP/1.1\r\nHost: a\r\na: ${'x'.repeat(60_000)}\r\n\r\n`,
  ),
];

const chunks = '3\r\nabc\r\n0\r\n\r\n';
const framing: readonly Case[] = [
  post('length and chunked', ['Content-Length: 3', 'Transfer-Encoding: chunked'], chunks),
  post('chunked and length', ['Transfer-Encoding: chunked', 'Content-Length: 3'], chunks),
  post('length 0 and chunked', ['Content-Length: 0', 'Transfer-Encoding: chunked'], chunks),
  post('the same length twice', ['Content-Length: 3', 'Content-Length: 3'], 'abc'),
  post('two lengths', ['Content-Length: 3', 'Content-Length: 4'], 'abc'),
  ...['3, 3', '+3', '-3', '', '0x3', '3a', '3.0', '3 3', '99999999999999999999999', '18446744073709551616'].map(
    (length) => post(`length ${JSON.stringify(length)}`, [`Content-Length: ${length}`], 'abc'),
  ),
  post('a length with zeros before', ['Content-Length: 0000000000000000003'], 'abc'),
  post('a length with white space', ['Content-Length:  3 '], 'abc'),
  ...[
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    '',
    '"chunked"',
    'chunked,',
    'xchunked',
    'chunked;q=1',
    '\x0bchunked',
  ].map((coding) => post(`coding ${JSON.stringify(coding)}`, [`Transfer-Encoding: ${coding}`], chunks)),
  post('chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunks),
  post('identity, then chunked', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], chunks),
  post('CHUNKED', ['Transfer-Encoding: CHUNKED'], chunks),
  raw('GET with a length', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  raw('GET with chunks', `GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`),
  raw('HEAD with a length of 0', 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', { methods: ['HEAD'] }),
  raw('CONNECT with a length', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  raw('CONNECT with chunks', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'),
  post('chunks without any data', ['Transfer-Encoding: chunked'], '0\r\n\r\n'),
  post('a body of no length', ['Content-Length: 0'], ''),
];

const connection: readonly Case[] = [
  get('close', ['Connection: close']),
  get('Close', ['Connection: Close']),
  get('close among others', ['Connection: keep-alive, close']),
  get('close in a second field', ['Connection: a', 'Connection: close']),
  get('closed is not close', ['Connection: closed']),
  get('close with a parameter', ['Connection: close; x']),
  get('keep-alive', ['Connection: keep-alive', 'Keep-Alive: timeout=5']),
  get('Proxy-Connection: close', ['Proxy-Connection: close']),
  get('nominated fields go', ['Connection: x-a, X-B', 'X-A: 1', 'X-a: 3', 'x-b: 2', 'x-c: 3']),
  get('9 nominated', [`Connection: ${[...'abcdefghi'].join(',')}`]),
  get('10 nominated', [`Connection: ${[...'abcdefghij'].join(',')}`]),
  get('10 nominated in two fields', ['Connection: a,b,c,d,e', 'Connection: f,g,h,i,j']),
  get('empty items do not count', ['Connection: ,,,,,,,,,,close']),
  get('white space items count', ['Connection: , , , , , , , , , , close']),
  ...['x-forwarded-for', 'X-Forwarded-Host', 'x-forwarded-proto', ':path', ':x'].map((name) =>
    get(`${name} may not be nominated`, [`Connection: ${name}`]),
  ),
  get('x-forwarded-port may', ['Connection: x-forwarded-port', 'X-Forwarded-Port: 1']),
  get('the host nominated', ['Connection: host']),
  get('connection nominated', ['Connection: connection']),
  get('cookies nominated', ['Connection: cookie', 'Cookie: a', 'Cookie: b']),
  get('expect nominated', ['Connection: expect', 'Expect: 100-continue']),
  get('an empty one', ['Connection:']),
  post('the length nominated', ['Connection: content-length', 'Content-Length: 3'], 'abc'),
  post('the coding nominated', ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'], chunks),
  get('te nominated, with trailers', ['Connection: te', 'TE: gzip, trailers']),
  get('te nominated, without', ['Connection: te', 'TE: gzip']),
  get('a te of 255', ['Connection: te', `TE: ${'x'.repeat(255)}`]),
  get('a te of 256', ['Connection: te', `TE: ${'x'.repeat(256)}`]),
  get('an upgrade that is not nominated', ['Upgrade: websocket']),
  // How such requests are counted is compared with the upgrades.
  get('an upgrade nobody allows', ['Connection: upgrade', 'Upgrade: websocket'], { without: ['stats'] }),
  get('h2c is not upgraded to', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: x']),
  get('h2c and a nominated field', ['Connection: Upgrade, x-a', 'Upgrade: h2c', 'X-A: 1']),
];

const scenario = (name: string, cases: readonly Case[]): Scenario =>
  variants('HTTP/1 codec', name, [{ name: 'default', manager: quickClose, cases }]);

export const scenarios: readonly Scenario[] = [
  scenario('syntax of fields', syntax),
  scenario('repeated fields', repeated),
  scenario('limits of a head', limits),
  scenario('framing of requests', framing),
  scenario('connection', connection),
];
