import { line, quickClose, raw, strict } from '../http1.ts';
import type { Case, Scenario } from '../types.ts';
import { variants } from '../variants.ts';

const METHODS = [
  'ACL BIND CHECKOUT COPY DELETE LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY OPTIONS PATCH PROPFIND PROPPATCH PURGE PUT',
  'REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE',
]
  .join(' ')
  .split(' ');

const methods: readonly Case[] = [
  ...METHODS.map((method) => line(`method ${method}`, `${method} / HTTP/1.1`)),
  ...[
    'FOO',
    'M-SEARCH',
    'get',
    'Get',
    'GE',
    'GETX',
    'POSTS',
    'GET:',
    'G(T',
    '\xe9',
    'hello',
    'CONNECTX',
    'PROPFINDX',
  ].map((method) => line(`no method ${JSON.stringify(method)}`, `${method} / HTTP/1.1`)),
  line('a NUL in the method', 'G\0T / HTTP/1.1'),
  line('TLS instead of HTTP', '\x16\x03\x01 / HTTP/1.1'),
  line('a response instead of a request', 'HTTP/1.1 200 OK'),
  line('no method at all', '/ HTTP/1.1'),
];

const versions: readonly Case[] = [
  ...['HTTP/1.0', 'HTTP/1.2', 'HTTP/1.3', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/9.9'].map((version) =>
    line(`version ${version}`, `GET / ${version}`),
  ),
  ...[
    'HTTP/1',
    'HTTP/1.',
    'HTTP/11',
    'HTTP/1.10',
    'HTTP/1,1',
    'HTTP /1.1',
    'HTTPS/1.1',
    'http/1.1',
    'HTTP/1.1 x',
    'HTTP/a.b',
  ].map((version) => line(`no version ${version}`, `GET / ${version}`)),
  raw('HTTP/0.9', 'GET /\r\n'),
  raw('HTTP/0.9 and a line more', 'GET /\r\nHost: a\r\n\r\n'),
  raw('a method alone', 'GET\r\nHost: a\r\n\r\n'),
  raw('a method and a space', 'GET \r\nHost: a\r\n\r\n'),
  raw('a target and a space', 'GET / \r\nHost: a\r\n\r\n'),
];

const spaces: readonly Case[] = [
  line('two spaces', 'GET  /  HTTP/1.1'),
  line('tabs', 'GET\t/\tHTTP/1.1'),
  line('a space after the version', 'GET / HTTP/1.1 '),
  line('a tab after the version', 'GET / \tHTTP/1.1\t'),
  line('a space before the method', ' GET / HTTP/1.1'),
  line('a tab before the method', '\tGET / HTTP/1.1'),
  line('a vertical tab', 'GET\x0b/ HTTP/1.1'),
  line('a form feed in the target', 'GET /a\x0cb HTTP/1.1'),
  line('a tab in the target', 'GET /a\tb HTTP/1.1'),
  line('a space in the target', 'GET /a b HTTP/1.1'),
  line('a NUL at the end', 'GET / HTTP/1.1\0'),
  line('a NUL in the target', 'GET /\0 HTTP/1.1'),
  line('DEL at the end', 'GET / HTTP/1.1\x7f'),
  line('a CR between', 'GET /\rHTTP/1.1', strict.line),
  line('two CR at the end', 'GET / HTTP/1.1\r', strict.line),
  raw('a bare LF ends the line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', strict.line),
  raw('empty lines before', '\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  raw('a bare LF before', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', strict.line),
  raw('a bare CR before', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', strict.line),
  raw('white space before', '  \r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
];

const origin = [
  '//',
  '//b/c',
  '/http://b',
  '/%',
  '/%zz',
  '/..',
  '/.',
  '/a|b{}^"<>\\`',
  '/;p=1',
  '/?a=b?c',
  '/*',
  '/~',
  "/!$&'()*+,;=:@",
  '/[]',
];
const absolute = [
  'http://b/p?q',
  'http://b',
  'http://b/',
  'http://b:80/p',
  'http://b:80',
  'http://b:080/',
  'http://b:65535/',
  'http://b:0/',
  'http://b:/p',
  'http://b:99999/',
  'http://b:x/',
  'http://b:80:90/',
  'http://b:+80/',
  'http://b:-1/',
  'http://[::1]/',
  'http://[::1]:80/',
  'http://[::1',
  'http://[v1.x]/',
  'http://[::g]/',
  'http://[]/',
  'http://[::1%25eth0]/',
  'http://u:p@b/',
  'http://@b/',
  'http://u@@b/',
  'http:///p',
  'http://',
  'http://b_c/',
  'http://B.C/',
  'http://b%41/',
  'http://b,c/',
  'http://b;c=d/',
  "http://b!$&'()*+~/",
  'http://b\\c/',
  'http://b/\\',
  'http://b/"<>^`{|}',
  'http://b..c/',
  'http://-b/',
  'http://b./',
  'http://1.2.3.4/',
  'http://a/?http://b',
  'http://b#frag',
  'http:/b',
  'http:b',
  '1http://b/',
  'https://b/p',
  'HTTP://b/p',
  'hTTps://b/',
  'ftp://b/p',
  'ws://b/',
  'http+x://b/',
];
const nothing = ['*', '*/', '?x', '#x', 'x', '.', '..', 'a:80', '\xe9', '/\xe9', '/\x7f', '/\x85'];
const connect = [
  'a:',
  'a:65536',
  '[::1]',
  '::1:80',
  'a_b:80',
  'u@a:80',
  'a:80/',
  'a:80/x?y',
  'a:80#',
  ':80',
  'a,b:80',
  'a%41:80',
  '[::g]:80',
  'a:8x',
  '*:80',
  '*',
  '/x',
  'http://a/',
  'a',
  '[::1]:',
  'a!:80',
];

const targets: readonly Case[] = [
  ...[...origin, ...absolute, ...nothing].map((target) =>
    line(`GET ${JSON.stringify(target)}`, `GET ${target} HTTP/1.1`),
  ),
  ...connect.map((target) => line(`CONNECT ${target}`, `CONNECT ${target} HTTP/1.1`)),
  line('a target of 60 KiB', `GET /${'x'.repeat(61_440)} HTTP/1.1`),
];

const hosts: readonly Case[] = [
  ...[
    '',
    'a:',
    'a:80',
    '[::1]',
    '[::1]:80',
    'A.B',
    'a..b',
    '.',
    '-',
    'a_b',
    'a~b',
    'a%20',
    'a,b',
    'a;b=c',
    "a!$&'()*+",
    '*',
    'x'.repeat(300),
  ].map((host) => raw(`host ${JSON.stringify(host)}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)),
  ...['a b', 'a\tb', '"a"', '<a>', 'a\\b', 'a^b', 'a`b', 'a{b', 'a|b', 'a/b', 'a?b', 'a#b', '\xe9'].map((host) =>
    raw(`bad host ${JSON.stringify(host)}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
  ),
  ...['a:x', 'a:1:2', '::1', '[::1', '[x]', 'a]', 'u@a', '@a', 'a@', 'a%', 'a%2'].map((host) =>
    raw(`ambiguous host ${JSON.stringify(host)}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, strict.host),
  ),
  raw('two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', strict.host),
  raw('the same host twice', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', strict.host),
  raw('no host', 'GET / HTTP/1.1\r\n\r\n'),
  raw('an absolute target wins over the host', 'GET http://b/p HTTP/1.1\r\nHost: a\r\n\r\n'),
  raw('an absolute target without a host', 'GET http://b/p HTTP/1.1\r\n\r\n'),
];

const plain = (name: string, cases: readonly Case[]): Scenario =>
  variants('HTTP/1 codec', name, [{ name: 'default', manager: quickClose, cases }]);

export const scenarios: readonly Scenario[] = [
  plain('methods', methods),
  plain('versions', versions),
  plain('white space in the request line', spaces),
  plain('targets', targets),
  plain('hosts', hosts),
];
