import { checkMessages } from './messages.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'CONNECT', 'OPTIONS', 'FOO', 'get', 'PRI'];
const TARGETS = [
  '/',
  '/a?b=c',
  '*',
  'http://a.b/c',
  'https://a:443',
  'a:80',
  '/%41#x',
  'http://[::1]:80/',
  '//',
  '/a b',
  '/\xe9',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'http/1.1', ''];
const STATUSES = ['200', '204', '304', '100', '101', '103', '404', '99', '65736', '2000', '+200', '0200', 'abc'];
const HOSTS = ['a', 'a.b:80', '[::1]', '[::1]:8', 'a@b', 'a:x', '', '%41', '%4', 'a b', '1.2.3.4'];
const LENGTHS = ['0', '3', '5', '10', '+3', '3, 3', '-1', '0x3', '18446744073709551616', '', '3 ', '00003'];
const CODINGS = [
  'chunked',
  'Chunked',
  'gzip',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  '',
  ' chunked ',
  'chunked;q=1',
];
const CONNECTIONS = [
  'close',
  'keep-alive',
  'upgrade',
  'Upgrade, HTTP2-Settings',
  'close, x-a',
  'x-forwarded-for',
  'te',
  ',,',
  'host',
];
const NAMES = [
  'x-a',
  'X_B',
  'accept',
  'te',
  'cookie',
  'expect',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'x-forwarded-for',
  'date',
];
const VALUES = ['', 'v', '100-continue', 'trailers', 'websocket', 'h2c', '\xe9', 'a  b', '\t', '"', 'v'.repeat(70)];
const ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\r\n ', ' \r\n'];
const WORDS = [
  ...METHODS,
  ...TARGETS,
  ...VERSIONS,
  ...HOSTS,
  ...LENGTHS,
  ...CODINGS,
  ...CONNECTIONS,
  ...NAMES,
  ...VALUES,
];
const FIELD_WORDS = [
  'Host: a\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  '0\r\n\r\n',
];

function field(random: Random): string {
  const colon = random.pick([': ', ': ', ': ', ':', ' : ', ':\t', '']);
  const end = random.chance(0.9) ? '\r\n' : random.pick(ENDS);
  switch (random.below(8)) {
    case 0:
      return `Host${colon}${random.pick(HOSTS)}${end}`;
    case 1:
      return `Content-Length${colon}${random.pick(LENGTHS)}${end}`;
    case 2:
      return `Transfer-Encoding${colon}${random.pick(CODINGS)}${end}`;
    case 3:
      return `Connection${colon}${random.pick(CONNECTIONS)}${end}`;
    default:
      return `${random.pick(NAMES)}${random.chance(0.9) ? ': ' : colon}${random.pick(VALUES)}${end}`;
  }
}

function chunks(random: Random): string {
  let text = '';
  for (let count = random.below(4); count > 0; count--) {
    const data = 'x\r\n0'.repeat(4).slice(0, 1 + random.below(12));
    const size = random.chance(0.9)
      ? data.length.toString(16)
      : random.pick(['0x1', 'g', '', '-1', 'fffffffffffffffff', '1 ']);
    const extension = random.chance(0.8) ? '' : random.pick([';a=b', ' ;a', ';', ' ', ';a="\r\n"', ';\x7f', '\t; x']);
    text += `${size}${extension}${random.chance(0.95) ? '\r\n' : random.pick(ENDS)}${data}`;
    text += random.chance(0.95) ? '\r\n' : random.pick(ENDS);
  }
  const trailers = random.chance(0.6) ? '' : field(random) + (random.chance(0.3) ? field(random) : '');
  return `${text}${random.pick(['0', '0', '00', '0;x'])}\r\n${trailers}\r\n`;
}

function body(random: Random): string {
  const way = random.below(4);
  if (way === 0) return '';
  if (way === 1) return 'abcdefghij'.slice(0, random.below(11));
  return chunks(random);
}

function message(random: Random, start: string): string {
  let text = start;
  if (random.chance(0.8)) text += 'Host: a\r\n';
  for (let count = random.below(4); count > 0; count--) text += field(random);
  if (random.chance(0.3)) return `${text}Content-Length: 3\r\n\r\nabc`;
  if (random.chance(0.4)) return `${text}Transfer-Encoding: chunked\r\n\r\n${chunks(random)}`;
  return `${text}\r\n${body(random)}`;
}

function requestLine(random: Random): string {
  const gap = random.chance(0.95) ? ' ' : random.pick(['  ', '\t', '']);
  if (random.chance(0.7)) return `${random.pick(['GET', 'POST'])} / HTTP/1.1\r\n`;
  return `${random.pick(METHODS)}${gap}${random.pick(TARGETS)}${gap}${random.pick(VERSIONS)}${random.pick(ENDS)}`;
}

function statusLine(random: Random): string {
  if (random.chance(0.6)) return 'HTTP/1.1 200 OK\r\n';
  return `${random.pick(VERSIONS)} ${random.pick(STATUSES)}${random.pick([' OK', '', ' ', ' a b', ' \xe9'])}${random.pick(ENDS)}`;
}

function sequence(random: Random, one: (random: Random) => string): string {
  let text = random.chance(0.9) ? '' : random.pick(['\r\n', '\n', '\r', '\r\n\r\n', ' ']);
  for (let count = 1 + random.below(3); count > 0; count--) text += one(random);
  return text;
}

export const requests: Target = {
  name: 'request',
  words: [...WORDS, ...FIELD_WORDS],
  make: (random) => sequence(random, () => message(random, requestLine(random))),
  run: (input, random) => checkMessages('request', input, random),
};

export const responses: Target = {
  name: 'response',
  words: [...WORDS, ...FIELD_WORDS, ...STATUSES],
  make: (random) => sequence(random, () => message(random, statusLine(random))),
  run: (input, random) => checkMessages('response', input, random),
};

/** Chunked bodies alone, which the other targets seldom get to. */
export const chunkedBodies: Target = {
  name: 'chunks',
  words: FIELD_WORDS.concat(['0\r\n', '1\r\n', ';', 'a', 'F', '\r\n', '5;x=y\r\n']),
  make: (random) => chunks(random) + (random.chance(0.3) ? 'GET / HTTP/1.1\r\n\r\n' : ''),
  run: (input, random) =>
    checkMessages('request', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${input}`, random),
};
