import { cluster, toCluster } from '../config.ts';
import type { Behaviour, Case, Json, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const get = (headers = ''): string => `GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const post = (body: string, length = body.length, headers = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${headers}\r\n${body}`;
const old = (headers = ''): string => `GET / HTTP/1.0\r\nHost: a\r\n${headers}\r\n`;
const close = 'Connection: close\r\n';
const answer = (status: number): readonly Json[] => [
  { match: { prefix: '/' }, direct_response: { status, body: { inline_string: 'local' } } },
];
const steps = (name: string, list: readonly (string | Step)[], more: Partial<Case> = {}): Case => ({
  name,
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
  ...more,
});
const sleep = (milliseconds: number): Step => ({ sleep: milliseconds });
const late = (raw: string, afterMs: number): readonly Behaviour[] => [{ raw: [{ raw, afterMs }] }];
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const limits = (common: Json, more: Json = {}): Json => ({ common_http_protocol_options: common, ...more });

const closing: readonly Variant[] = [
  {
    name: 'upstream answers',
    manager: { http_protocol_options: { accept_http_10: true } },
    cases: [
      steps('keep-alive', [get()]),
      steps('the client closes', [get(close)]),
      steps('the client closes, another token', [get('Connection: Close, x\r\n')]),
      steps('the client closes, two lines', [get('Connection: x\r\nConnection: close\r\n')]),
      steps('proxy-connection: close', [get('Proxy-Connection: close\r\n')]),
      steps('the client closes, more follows', [get(close) + get()]),
      steps('the client closes after a body', [post('hello', 5, close)]),
      steps('HTTP/1.0', [old()]),
      steps('HTTP/1.0 keep-alive', [old('Connection: keep-alive\r\n')]),
      steps('HTTP/1.0 proxy-connection: keep-alive', [old('Proxy-Connection: keep-alive\r\n')]),
      steps('HTTP/1.0 keep-alive without a length', [old('Connection: keep-alive\r\n')], {
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' }] },
      }),
      steps('the backend closes', [get()], {
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok' }] },
      }),
      steps('the backend breaks off', [get()], {
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok', afterwards: 'close' }] },
      }),
      steps('the backend breaks off a chunk', [get()], {
        backends: {
          0: [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n', afterwards: 'close' }],
        },
      }),
      steps('the backend answers before the body has come', [post('hello', 10), { awaitResponses: 1 }], {
        backends: { 0: [{ early: ok }] },
        without: ['backends'],
      }),
      steps('early, and the client closes', [post('hello', 10, close), { awaitResponses: 1 }], {
        backends: { 0: [{ early: ok }] },
        without: ['backends'],
      }),
      steps('a backend that says 400', [get()], {
        backends: { 0: [{ raw: 'HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\nok' }] },
      }),
    ],
  },
  ...[200, 400, 404, 500].map(
    (status): Variant => ({
      name: `local ${status}`,
      manager: { http_protocol_options: { accept_http_10: true } },
      routes: answer(status),
      cases: [
        steps('keep-alive', [get()]),
        steps('the client closes', [get(close)]),
        steps('with a body', [post('hello')]),
        steps('with an incomplete body', [post('hello', 10)]),
        steps('HTTP/1.0', [old()]),
        steps('HTTP/1.0 keep-alive', [old('Connection: keep-alive\r\n')]),
      ],
    }),
  ),
  {
    name: 'a slow local answer',
    routes: [toCluster('c1')],
    cases: [steps('keep-alive', [get()]), steps('the client closes', [get(close)])],
  },
  {
    name: 'no delayed close',
    manager: { delayed_close_timeout: '0s' },
    routes: answer(400),
    cases: [steps('400', [get()]), steps('incomplete body', [post('hello', 10)])],
  },
  {
    name: 'a short delayed close',
    manager: { delayed_close_timeout: '0.1s' },
    routes: answer(400),
    cases: [steps('400', [get()]), steps('unreadable', ['GET\r\n\r\n'])],
  },
];

const leaving: readonly Variant[] = [
  {
    name: 'the client leaves',
    cases: [
      steps('before a request', [sleep(80), { do: 'halfClose' }, sleep(80)], { responses: 0, settleMs: 60 }),
      steps('in a head', ['GET / HT', sleep(30), { do: 'halfClose' }], { responses: 0, settleMs: 60 }),
      steps('in a head by reset', ['GET / HT', sleep(30), { do: 'reset' }], { responses: 0, settleMs: 60 }),
      steps('in a body', [post('hello', 10), sleep(30), { do: 'halfClose' }], {
        responses: 0,
        settleMs: 60,
        without: ['backends'],
      }),
      steps('after the request', [get(), sleep(30), { do: 'halfClose' }], {
        responses: 0,
        settleMs: 60,
        backends: { 0: ['hang'] },
      }),
      steps('after the request by reset', [get(), sleep(30), { do: 'reset' }], {
        responses: 0,
        settleMs: 60,
        backends: { 0: ['hang'] },
      }),
    ],
  },
];

const numbers: readonly Variant[] = [
  {
    name: 'two requests',
    manager: limits({ max_requests_per_connection: 2 }),
    cases: [
      { name: 'three', requests: [{}, {}, {}] },
      steps('pipelined', [get() + get() + get()], { responses: 2 }),
      steps('the second is refused', [get(), { awaitResponses: 1 }, 'GET / HTTP/1.1\r\n\r\n'], { responses: 2 }),
    ],
  },
  {
    name: 'one request',
    manager: limits({ max_requests_per_connection: 1 }),
    cases: [{ name: 'one', requests: [{}] }],
  },
  {
    name: 'one local answer',
    manager: limits({ max_requests_per_connection: 1 }),
    routes: answer(200),
    cases: [{ name: 'one', requests: [{}] }],
  },
];

const short = { drain_timeout: '0.1s', delayed_close_timeout: '0.1s' };
const times: readonly Variant[] = [
  {
    name: 'idle',
    manager: limits({ idle_timeout: '0.15s' }, short),
    cases: [
      steps('before a request', [sleep(300)], { responses: 0 }),
      steps('after one', [get(), { awaitResponses: 1 }, sleep(600)]),
      steps('a request while draining', [get(), { awaitResponses: 1 }, sleep(200), get(), { awaitResponses: 2 }], {
        responses: 2,
      }),
      steps('in a head', ['GET / HT', sleep(500)], { responses: 0, settleMs: 60 }),
      steps('while a request takes longer', [get()], { backends: { 0: late(ok, 400) } }),
    ],
  },
  {
    name: 'never idle',
    manager: limits({ idle_timeout: '0s' }, short),
    cases: [steps('before a request', [sleep(300)], { responses: 0 }), steps('after one', [get(), sleep(300)])],
  },
  {
    name: 'too long',
    manager: limits({ max_connection_duration: '0.2s' }, short),
    cases: [
      steps('before a request', [sleep(350)], { responses: 0 }),
      steps('after one', [get(), { awaitResponses: 1 }, sleep(600)]),
      steps('in one', [get()], { backends: { 0: late(ok, 260) } }),
      steps('in one that outlasts the drain', [get()], { backends: { 0: late(ok, 500) } }),
      steps('in a head', ['GET / HT', sleep(700)], { responses: 0, settleMs: 60 }),
    ],
  },
  {
    name: 'too long, safely',
    manager: limits({ max_connection_duration: '0.2s' }, { ...short, http1_safe_max_connection_duration: true }),
    cases: [
      steps('before a request', [sleep(350)], { responses: 0 }),
      steps('after one', [get(), { awaitResponses: 1 }, sleep(500)]),
      steps('the next one', [get(), { awaitResponses: 1 }, sleep(300), get()], { responses: 2 }),
      steps('in one', [get()], { backends: { 0: late(ok, 300) } }),
      steps('in one, then another', [get(), { awaitResponses: 1 }, get()], {
        responses: 2,
        backends: { 0: late(ok, 300) },
      }),
    ],
  },
];

export const scenarios: readonly Scenario[] = [
  variants('connection end', 'answers', closing, {
    backends: ['http', 'closed'],
    clusters: (places) => [cluster(places, 0), cluster(places, 1)],
  }),
  variants('connection end', 'clients', leaving),
  variants('connection end', 'numbers', numbers, { stats: [/max_requests_reached$/] }),
  variants('connection end', 'times', times, { stats: [/drain_close$|soft_drain$/] }),
];
