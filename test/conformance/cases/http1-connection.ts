import { get, line, post, quickClose, raw, strict } from '../http1.ts';
import type { Case, Scenario, Step } from '../types.ts';
import { variants } from '../variants.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const CHUNKS = '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: v\r\n\r\n';
const POST = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
const CHUNKED = `POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`;

/** The same bytes in one write and in a write for each. */
const bothWays = (
  name: string,
  text: string,
  responses: number,
  methods: readonly string[],
  more: Partial<Case> = {},
): Case[] => [
  raw(name, text, { responses, methods, ...more }),
  { name: `${name}, byte by byte`, steps: [{ sendSplit: text }], responses, methods, ...more },
];

const gets = (...paths: readonly string[]): string =>
  paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');

const pipelined: readonly Case[] = [
  ...bothWays('three GETs', gets('/1', '/2', '/3'), 3, ['GET', 'GET', 'GET']),
  // Into how many chunks the bytes are put again is not the same each time.
  ...bothWays('POST, chunks, GET', `${POST}${CHUNKED}${GET}`, 3, ['POST', 'POST', 'GET'], { without: ['bodies'] }),
  ...bothWays('HEAD and GET', `HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${GET}`, 2, ['HEAD', 'GET']),
  // In pieces a byte may come after the close, and take the response with it.
  raw('one that closes, then another', `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}`),
  // Whether a byte comes after the close decides about a reset.
  ...bothWays('a good one, then a bad one', `${GET}BAD / HTTP/1.1\r\nHost: a\r\n\r\n${GET}`, 2, ['GET', 'GET', 'GET'], {
    without: ['fate'],
  }),
  ...bothWays('a good one, then bytes', `${GET}\0\x01`, 2, ['GET', 'GET']),
  ...bothWays('an empty line between', `${POST}\r\n${GET}`, 2, ['POST', 'GET']),
  ...bothWays('a bare LF between', `${POST}\n${GET}`, 2, ['POST', 'GET'], strict.line),
  ...bothWays(
    'a bad chunk, then a GET',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${GET}`,
    1,
    ['POST'],
    {
      // How much of the request the backend got before is not the same each time.
      without: ['backends', 'stats', 'connections', 'fate'],
    },
  ),
  ...bothWays(
    'a smuggled request in a body',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${GET.length}\r\n\r\n${GET}${GET}`,
    2,
    ['POST', 'GET'],
  ),
  raw('thirty', gets(...Array.from({ length: 30 }, (_, index) => `/${index}`)), {
    responses: 30,
    methods: Array.from({ length: 30 }, () => 'GET'),
  }),
];

const split: readonly Case[] = [
  ['a head of many fields', `GET /a?b HTTP/1.1\r\nHost: a\r\n${'x-y: z\r\n'.repeat(5)}Accept: 1\r\nAccept: 2\r\n\r\n`],
  ['an absolute target', 'GET http://b/p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['white space in the line', 'GET  /\t HTTP/1.1 \r\nHost: a\r\n\r\n'],
  ['an unknown method', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['length and chunked', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a bad name', 'GET / HTTP/1.1\r\nHost: a\r\na b: c\r\n\r\n'],
  ['a control character', 'GET / HTTP/1.1\r\nHost: a\r\na: \x01\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['expect', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc'],
].map(
  ([name = '', text = '']): Case => ({
    name,
    steps: [{ sendSplit: text }],
    responses: 1,
    // Whether a byte comes after the close decides about a reset.
    without: ['fate'],
  }),
);

const splitBody: Case = {
  name: 'chunks with extensions and trailers',
  steps: [{ sendSplit: CHUNKED }],
  responses: 1,
  // Into how many chunks the bytes are put again is not the same each time.
  without: ['bodies'],
};

const pieces = (text: string): { raw: string; afterMs: number }[] =>
  [...text].map((char) => ({ raw: char, afterMs: 1 }));

const splitReplies: readonly Case[] = [
  ['a length', OK],
  ['chunks with trailers', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nt: v\r\n\r\n`],
  ['1xx before', `HTTP/1.1 103 E\r\nx: y\r\n\r\n${OK}`],
  ['204', 'HTTP/1.1 204 N\r\n\r\n'],
  ['no status', 'HTTP/1.1 2x0 OK\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n'],
  ['a bad name', 'HTTP/1.1 200 OK\r\na b: c\r\n\r\n'],
].map(
  ([name = '', text = '']): Case => ({
    name,
    requests: [{}],
    backends: { 0: [{ raw: pieces(text) }] },
  }),
);

const chunk = (name: string, body: string, more: Partial<Case> = {}): Case =>
  post(name, ['Transfer-Encoding: chunked'], body, more);
/** Whether the backend got the head before the fault was seen is not the same each time. */
const broken = { without: ['backends', 'stats', 'connections'] } as const;

const chunks: readonly Case[] = [
  chunk('extensions', '3;a=b;c\r\nabc\r\n0;d\r\n\r\n'),
  chunk('a quoted extension', '3;a="b;\\"c"\r\nabc\r\n0\r\n\r\n'),
  chunk('white space before an extension', '3 ;a\r\nabc\r\n0\r\n\r\n'),
  chunk('zeros before a size', '0000000000000000003\r\nabc\r\n000\r\n\r\n'),
  chunk('capital digits', 'A\r\n0123456789\r\n0\r\n\r\n'),
  chunk('trailers, dropped', '3\r\nabc\r\n0\r\nT: v\r\n\r\n'),
  chunk('200 trailers, dropped', `3\r\nabc\r\n0\r\n${'t: v\r\n'.repeat(200)}\r\n`),
  chunk('no size', '\r\nabc\r\n', broken),
  chunk('a word for a size', 'xyz\r\nabc\r\n', broken),
  chunk('a signed size', '+3\r\nabc\r\n', broken),
  chunk('0x3', '0x3\r\nabc\r\n', broken),
  chunk('white space before a size', ' 3\r\nabc\r\n', broken),
  chunk('a size beyond 64 bits', '10000000000000000\r\nabc\r\n', broken),
  chunk('a CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n', broken),
  chunk('a bare LF after a size', '3\nabc\r\n0\r\n\r\n', broken),
  chunk('a trailer without a colon', '3\r\nabc\r\n0\r\nt v\r\n\r\n', broken),
  chunk('a trailer of another name', '3\r\nabc\r\n0\r\nt\x80: v\r\n\r\n', broken),
  chunk('a trailer with a NUL', '3\r\nabc\r\n0\r\nt: \0\r\n\r\n', broken),
  chunk('a space after a size', '3 \r\nabc\r\n0\r\n\r\n', { ...strict.chunk, ...broken }),
  chunk('a word after a size', '3 x\r\nabc\r\n0\r\n\r\n', { ...strict.chunk, ...broken }),
  chunk('bytes after the data', '3\r\nabcXX\r\n0\r\n\r\n', { ...strict.chunk, ...broken }),
  chunk('a bare LF after the data', '3\r\nabc\n0\r\n\r\n', { ...strict.chunk, ...broken }),
  chunk('a bare LF at the end', '3\r\nabc\r\n0\r\n\n', { ...strict.chunk, ...broken }),
];

const wait = (...steps: readonly (string | number)[]): Step[] =>
  steps.map((step) => (typeof step === 'number' ? { sleep: step } : { send: step }));

const expect: readonly Case[] = [
  get('without a body', ['Expect: 100-continue']),
  post('with the body at once', ['Expect: 100-continue', 'Content-Length: 3'], 'abc'),
  {
    name: 'with the body later',
    steps: wait('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n', 60, 'abc'),
  },
  post('something else', ['Expect: foo', 'Content-Length: 3'], 'abc'),
  post('twice', ['Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 3'], 'abc'),
  post('without a route to it', ['Expect: 100-continue', 'Content-Length: 3'], 'abc', { listener: 0 }),
];

const early: readonly Case[] = [
  {
    name: 'the response comes first',
    steps: wait('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'),
    backends: { 0: [{ early: OK }] },
    without: ['backends'],
  },
  {
    name: 'a 400 that closes comes first',
    steps: wait('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'),
    backends: {
      0: [{ early: 'HTTP/1.1 400 B\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno', afterwards: 'close' }],
    },
    without: ['backends'],
  },
];

const fates: readonly Case[] = [
  line('a refused request: later', 'BAD / HTTP/1.1'),
  raw('a request that closes: at once', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
  raw('a request for no host: later', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'),
  {
    name: 'bytes after a refused request: reset',
    steps: wait('BAD / HTTP/1.1\r\n\r\n', 50, 'more', 20, 'and more'),
  },
  { name: 'the client closes half after a response', requests: [{}, {}] },
  {
    name: 'the client goes in the middle of a head',
    steps: [{ send: 'GET / HT' }, { sleep: 30 }, { do: 'close' }],
    responses: 0,
    without: ['fate'],
    settleMs: 50,
  },
  {
    name: 'the client goes after an empty line',
    steps: [{ send: '\r\n' }, { sleep: 30 }, { do: 'close' }],
    responses: 0,
    without: ['fate'],
    settleMs: 50,
  },
];

export const scenarios: readonly Scenario[] = [
  ...(
    [
      ['pipelined requests', pipelined],
      ['requests split at every byte', [...split, splitBody]],
      ['responses split at every byte', splitReplies],
      ['chunks of requests', chunks],
      ['Expect', expect],
      ['early responses', early],
    ] as const
  ).map(([name, cases]) => variants('HTTP/1 codec', name, [{ name: 'default', manager: quickClose, cases }])),
  variants('HTTP/1 codec', 'what becomes of a connection', [{ name: 'default', cases: fates }]),
  variants('HTTP/1 codec', 'slow heads', [
    {
      name: 'request_headers_timeout',
      manager: { ...quickClose, request_headers_timeout: '0.15s' },
      cases: [
        { name: 'a line and no more', steps: wait('GET / HTTP/1.1\r\n') },
        { name: 'one byte', steps: wait('G') },
        { name: 'an empty line', steps: wait('\r\n') },
        { name: 'bit by bit', steps: wait('GET / H', 60, 'TTP/1.1\r', 60, '\nHost: a\r\n', 60, 'b: c\r\n') },
        { name: 'the second request', steps: wait(GET, 60, 'GET'), responses: 2 },
        { name: 'in time', steps: wait('GET / HTTP/1.1\r\n', 30, 'Host: a\r\n\r\n', 250) },
      ],
    },
    {
      name: 'stream_idle_timeout',
      manager: { ...quickClose, stream_idle_timeout: '0.15s' },
      cases: [{ name: 'part of a head', steps: wait('GET / HT') }],
    },
    {
      name: 'request_timeout',
      manager: { ...quickClose, request_timeout: '0.15s' },
      cases: [
        { name: 'part of a head', steps: wait('GET / HT') },
        {
          name: 'part of a body',
          steps: wait('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na'),
          without: ['backends'],
        },
      ],
    },
  ]),
];
