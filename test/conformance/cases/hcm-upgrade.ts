import { toCluster } from '../config.ts';
import type { Behaviour, Case, Json, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const upgrade = (type: string, headers = '', method = 'GET'): string =>
  `${method} / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${type}\r\n${headers}\r\n`;
const accept = (type = 'websocket', more = ''): Readonly<Record<number, readonly Behaviour[]>> => ({
  0: [{ raw: `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${type}\r\n${more}\r\n` }],
});
const steps = (name: string, list: readonly (string | Step)[], more: Partial<Case> = {}): Case => ({
  name,
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
  ...more,
});
const sleep = (milliseconds: number): Step => ({ sleep: milliseconds });
const answered = { awaitResponses: 1 } as const;
const settled = { settleMs: 80 } as const;
const websocket = { upgrade_configs: [{ upgrade_type: 'websocket' }] };
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const allowed: readonly Case[] = [
  steps('both ways', [upgrade('websocket'), answered, 'hello', sleep(60)], { backends: accept(), ...settled }),
  steps('in capitals', [upgrade('WebSocket'), answered, 'hello', sleep(60)], {
    backends: accept('WebSocket'),
    ...settled,
  }),
  steps('with headers', [upgrade('websocket', 'Sec-WebSocket-Key: k\r\nX-A: b\r\n'), answered, sleep(30)], {
    backends: accept('websocket', 'sec-websocket-accept: v\r\n'),
    ...settled,
  }),
  steps(
    'another connection token',
    ['GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n', answered, sleep(30)],
    {
      backends: accept(),
      ...settled,
    },
  ),
  steps('the backend answers 200', [upgrade('websocket')], { backends: { 0: [{ raw: ok }] } }),
  steps('the backend answers 200 with headers', [upgrade('websocket')], {
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-type: text/html\r\nserver: s\r\ncontent-length: 2\r\nx-a: c\r\n\r\nok',
        },
      ],
    },
  }),
  steps('the backend answers 302', [upgrade('websocket')], {
    backends: {
      0: [{ raw: 'HTTP/1.1 302 Found\r\nlocation: /b\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n' }],
    },
  }),
  steps('the backend answers 200 in chunks', [upgrade('websocket')], {
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' }] },
  }),
  steps('the backend answers 426', [upgrade('websocket')], {
    backends: {
      0: [
        { raw: 'HTTP/1.1 426 Upgrade Required\r\nupgrade: other\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n' },
      ],
    },
    difference: 'failed-upgrade',
  }),
  steps('the backend answers 400', [upgrade('websocket')], {
    backends: { 0: [{ raw: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno' }] },
  }),
  steps('the backend closes', [upgrade('websocket')], { backends: { 0: [{ end: 'close' }] } }),
  steps('the client closes', [upgrade('websocket'), answered, 'x', sleep(60), { do: 'halfClose' }, sleep(60)], {
    backends: accept(),
    ...settled,
  }),
  steps('the client resets', [upgrade('websocket'), answered, 'x', sleep(60), { do: 'reset' }], {
    backends: accept(),
    ...settled,
  }),
  steps('the backend closes its tunnel', [upgrade('websocket'), answered, sleep(60)], {
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nbye',
          afterwards: 'close',
        },
      ],
    },
    ...settled,
  }),
  steps('the backend resets its tunnel', [upgrade('websocket'), answered, sleep(60)], {
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
          afterwards: 'reset',
        },
      ],
    },
    ...settled,
  }),
  steps('payload at once, refused', [`${upgrade('websocket')}early`, sleep(60)], {
    backends: { 0: [{ raw: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno' }] },
  }),
  steps('payload at once', [`${upgrade('websocket')}early`, answered, sleep(60)], { backends: accept(), ...settled }),
  steps('another type', [upgrade('other')]),
  steps('two types', [upgrade('websocket, other')]),
  steps('no upgrade', ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']),
  steps('upgrade without connection', ['GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n']),
  steps('connection without upgrade', ['GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n']),
  steps('h2c', [upgrade('h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n')]),
  steps('HTTP/1.0', ['GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n']),
  steps('a response that upgrades unasked', ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], { backends: accept() }),
];

/** Of a type that Envoy knows nothing about. */
const general: readonly Case[] = [
  steps('both ways', [upgrade('other'), answered, 'hello', sleep(60)], { backends: accept('other'), ...settled }),
  steps('payload at once', [`${upgrade('other')}early`, answered, sleep(60)], {
    backends: {
      0: [
        {
          raw: [
            { raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: other\r\n\r\n', afterMs: 60 },
          ],
        },
      ],
    },
    ...settled,
  }),
  steps('payload at once, refused', [`${upgrade('other')}early`, sleep(60)], {
    backends: { 0: [{ raw: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno' }] },
  }),
  steps('a body, refused', [`${upgrade('other', 'Content-Length: 5\r\n', 'POST')}early`, sleep(60)], {
    backends: { 0: [{ raw: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno' }] },
    ...settled,
  }),
  steps('the backend answers 200', [upgrade('other'), sleep(60)], { backends: { 0: [{ raw: ok }] } }),
  steps('the backend answers 302', [upgrade('other')], {
    backends: { 0: [{ raw: 'HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n' }] },
  }),
  steps('the type CONNECT', [upgrade('CONNECT'), answered, 'hello', sleep(60)], {
    backends: accept('CONNECT'),
    ...settled,
  }),
  steps('an empty type', [upgrade('')]),
];

const denied: readonly Case[] = [
  steps('refused', [upgrade('websocket')]),
  steps('refused with a body', [`${upgrade('websocket', 'Content-Length: 2\r\n', 'POST')}hi`]),
  steps('refused, then a request', [`${upgrade('websocket')}GET / HTTP/1.1\r\nHost: a\r\n\r\n`]),
  steps('h2c', [upgrade('h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n')]),
];

const action = (config: Json): readonly Json[] => [toCluster('c0', config)];
const one = allowed.slice(0, 1);

const websockets: readonly Variant[] = [
  { name: 'allowed', manager: websocket, cases: allowed },
  {
    name: 'another type',
    manager: { upgrade_configs: [{ upgrade_type: 'Other' }, { upgrade_type: 'connect' }] },
    cases: general,
  },
  { name: 'not allowed', cases: denied },
  {
    name: 'switched off',
    manager: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] },
    cases: denied.slice(0, 1),
  },
  {
    name: 'switched off, on for the route',
    manager: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] },
    routes: action({ upgrade_configs: [{ upgrade_type: 'websocket' }] }),
    cases: one,
  },
  {
    name: 'unknown, on for the route',
    routes: action({ upgrade_configs: [{ upgrade_type: 'websocket' }] }),
    cases: one,
  },
  {
    name: 'on, off for the route',
    manager: websocket,
    routes: action({ upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] }),
    cases: denied.slice(0, 1),
  },
  {
    name: 'without a route',
    manager: websocket,
    routes: [{ match: { path: '/other' }, route: { cluster: 'c0' } }],
    cases: denied.slice(0, 1),
  },
  {
    name: 'not allowed, without a route',
    routes: [{ match: { path: '/other' }, route: { cluster: 'c0' } }],
    cases: denied.slice(0, 1),
  },
  {
    name: 'not allowed, on a direct response',
    routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
    cases: denied.slice(0, 1),
  },
  {
    name: 'idle',
    manager: { ...websocket, stream_idle_timeout: '0.2s', delayed_close_timeout: '0.1s' },
    cases: [steps('silence', [upgrade('websocket'), answered, sleep(500)], { backends: accept(), ...settled })],
  },
  {
    name: 'route timeout',
    manager: { ...websocket, delayed_close_timeout: '0.1s' },
    routes: action({ timeout: '0.2s' }),
    cases: [
      steps('no answer', [upgrade('websocket')], { backends: { 0: ['hang'] } }),
      steps('after the answer', [upgrade('websocket'), answered, sleep(400), 'x', sleep(60)], {
        backends: accept(),
        ...settled,
      }),
    ],
  },
  {
    name: 'request timeout',
    manager: { ...websocket, request_timeout: '0.2s', delayed_close_timeout: '0.1s' },
    cases: [
      steps('no answer', [upgrade('websocket')], { backends: { 0: ['hang'] } }),
      steps('after the answer', [upgrade('websocket'), answered, sleep(400), 'x', sleep(60)], {
        backends: accept(),
        ...settled,
      }),
    ],
  },
  {
    name: 'stream duration',
    manager: {
      ...websocket,
      delayed_close_timeout: '0.1s',
      common_http_protocol_options: { max_stream_duration: '0.2s' },
    },
    cases: [
      steps('after the answer', [upgrade('websocket'), answered, sleep(400)], { backends: accept(), ...settled }),
    ],
  },
];

export const scenarios: readonly Scenario[] = [
  variants('upgrades', 'websocket', websockets, {
    stats: [/^http\.in\.downstream_cx_upgrades_(total|active)$/, /^cluster\.c\d+\.upstream_cx_destroy/],
  }),
];
