import { bootstrap, cluster, listener, manager, routeConfig, socketAddress, toCluster } from '../config.ts';
import {
  action,
  CONNECTIONS,
  injected,
  mostConnections,
  overloaded,
  point,
  scaled,
  threshold,
  timers,
} from '../overloads.ts';
import type { Case, Json, Places, Request, Scenario, Step } from '../types.ts';

const feature = 'overload';
const stats = [
  /^overload\.(?!refresh)[a-z_.]+\.(active|scale_percent|pressure|shed_load_count)$/,
  /^http\.in\.(downstream_(rq|cx)_overload|rq_overload)/,
  /^listener\..*downstream_(cx_overload_reject|global_cx_overflow)$/,
  /^listener\.[\d.]+_\d+\.downstream_cx_(total|destroy)$/,
];

const get: Request = { path: '/a' };
const text = 'GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n';
const fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'example.com'],
  [':path', '/a'],
] as const;

const scenario = (
  name: string,
  overload: Json | ((places: Places) => Json),
  cases: readonly Case[],
  config: (places: Places) => Parameters<typeof overloaded>[2] = () => ({}),
): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) =>
    overloaded(places, typeof overload === 'function' ? overload(places) : overload, config(places)),
  cases,
});

/** What comes of a request under each of some pressures, in this order. */
const under = (...pressures: readonly string[]): readonly Case[] =>
  pressures.map((pressure, at) => ({ name: `step ${at}: under ${pressure}`, pressure, requests: [get] }));

const steps = (...list: readonly (Step | string)[]): readonly Step[] =>
  list.map((one) => (typeof one === 'string' ? { send: one } : one));

const CLOSE = 'GET /a HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n';

const requestCases: readonly Case[] = [
  ...under('0', '0.8', '0.9', '1', '0.89'),
  { name: 'a connection goes on', pressure: '0.95', requests: [get, { path: '/b' }] },
  { name: 'a body is read', pressure: '0.95', requests: [{ method: 'POST', body: 'hello' }, get] },
  {
    name: 'a body that has not come',
    pressure: '0.95',
    steps: steps('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n'),
  },
  { name: 'HEAD', pressure: '0.95', requests: [{ method: 'HEAD' }] },
  { name: 'a client that wants to close', pressure: '0.95', requests: [CLOSE] },
  { name: 'HTTP/1.0', pressure: '0.95', requests: ['GET / HTTP/1.0\r\nHost: a\r\n\r\n'] },
  { name: 'no host', pressure: '0.95', requests: [{ host: null }] },
  { name: 'a request that cannot be read', pressure: '0.95', requests: ['GET\r\n\r\n'] },
  { name: 'gRPC', pressure: '0.95', requests: [{ method: 'POST', headers: { 'content-type': 'application/grpc' } }] },
  { name: 'an upgrade', pressure: '0.95', requests: [{ headers: { connection: 'upgrade', upgrade: 'websocket' } }] },
  { name: 'over HTTP/2', pressure: '0.95', http2: [{ fields }, { fields }] },
  {
    name: 'within a connection',
    pressure: '0',
    steps: steps(text, { awaitResponses: 1 }, { pressure: '1' }, text),
    responses: 2,
  },
  {
    name: 'a request under way goes on',
    pressure: '0',
    steps: steps(text, { pressure: '1' }),
    backends: { 0: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n' }, { raw: 'ok', afterMs: 400 }] }] },
  },
  { name: 'what is no number leaves things as they are', pressure: 'much', requests: [get] },
  { name: 'nor does a number out of range', pressure: '1.5', requests: [get] },
  { name: 'nor a negative one', pressure: '-0.5', requests: [get] },
  { name: 'white space around a number', pressure: ' 0.1\n', requests: [get] },
  { name: 'an exponent', pressure: '95e-2', requests: [get] },
];

const keepaliveCases: readonly Case[] = [
  ...under('0', '0.5', '0.49'),
  { name: 'a response that ends with its connection', pressure: '0.5', requests: [CLOSE] },
  { name: 'HTTP/1.0', pressure: '0.5', requests: ['GET / HTTP/1.0\r\nHost: a\r\n\r\n'] },
  {
    name: 'HTTP/1.0 with keep-alive',
    pressure: '0.5',
    requests: ['GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n'],
  },
  { name: 'what is pipelined', pressure: '0.5', requests: [text + text], responses: 1 },
  { name: 'over HTTP/2', pressure: '0.5', http2: [{ fields }] },
  { name: 'two streams', pressure: '0.5', http2: [{ fields }, { fields }] },
  {
    name: 'within a connection',
    pressure: '0',
    steps: steps(text, { awaitResponses: 1 }, { pressure: '1' }, text),
    responses: 2,
  },
];

const rejectCases: readonly Case[] = [
  // Whether it is a reset depends on whether the request has come before the connection is looked at.
  ...under('0', '0.9', '0.1').map((one) => ({ ...one, without: ['fate'] as const })),
  { name: 'before anything is sent', pressure: '1', steps: steps({ sleep: 100 }), responses: 0 },
  {
    name: 'a connection that is there stays',
    pressure: '0',
    steps: steps(text, { awaitResponses: 1 }, { pressure: '1' }, text),
    responses: 2,
  },
  { name: 'to a listener that passes it by', pressure: '1', listener: 1, requests: [get] },
];

const stopCases: readonly Case[] = [
  ...under('0'),
  { name: 'who connects waits', pressure: '1', steps: steps(text, { sleep: 300 }), responses: 0 },
  {
    name: 'and is served afterwards',
    pressure: '1',
    steps: steps(text, { sleep: 100 }, { pressure: '0' }),
    responses: 1,
  },
  { name: 'a scaled trigger counts when it is saturated', pressure: '0.95', requests: [get] },
  {
    name: 'a connection that is there stays',
    pressure: '0',
    steps: steps(text, { awaitResponses: 1 }, { pressure: '1' }, text),
    responses: 2,
  },
  { name: 'to a listener that passes it by', pressure: '1', listener: 1, requests: [get], timeoutMs: 500 },
];

/** A second listener that does not take part. */
const withSecond = (places: Places, overload: Json, second: Json): Json => {
  const hcm = manager(places, { route_config: routeConfig([toCluster()]) });
  return {
    ...bootstrap(places, [listener(places, 0, [hcm]), listener(places, 1, [hcm], second)], [cluster(places, 0)]),
    admin: { address: socketAddress(places.host, places.admin), ignore_global_conn_limit: true },
    overload_manager: { refresh_interval: '0.02s', resource_monitors: [injected(places)], ...overload },
  };
};

const PASSING = { bypass_overload_manager: true };

/** The first listener is a client of the second one: a request makes two connections of clients. */
const chained = (name: string, limit: Json, second: Json = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) => {
    const hcm = (to: string, prefix: string): Json =>
      manager(places, { stat_prefix: prefix, route_config: routeConfig([toCluster(to)]) });
    const inner = {
      ...cluster(places, 1),
      load_assignment: {
        cluster_name: 'c1',
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(places.host, places.listener(1)) } }] }],
      },
    };
    return {
      ...bootstrap(
        places,
        [listener(places, 0, [hcm('c1', 'in')]), listener(places, 1, [hcm('c0', 'inner')], second)],
        [cluster(places, 0), inner],
      ),
      admin: { address: socketAddress(places.host, places.admin), ignore_global_conn_limit: true },
      overload_manager: { refresh_interval: '0.02s', resource_monitors: [limit] },
    };
  },
  cases: [
    { name: 'a request', requests: [get] },
    { name: 'to the second listener alone', listener: 1, requests: [get] },
    { name: 'over HTTP/2', http2: [{ fields }] },
  ],
});

const closing = { 0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' }] } as const;
const idle = (name: string, pressure: string, list: readonly (Step | string)[]): Case => ({
  name,
  pressure,
  steps: steps(...list),
  backends: closing,
  responses: 1,
  settleMs: 0,
});

export const scenarios: readonly Scenario[] = [
  scenario('requests are refused', { actions: [action('stop_accepting_requests', [threshold(0.9)])] }, requestCases),
  scenario(
    'requests are refused with a header',
    { actions: [action('stop_accepting_requests', [threshold(0)])] },
    under('0'),
    () => ({ manager: { append_local_overload: true } }),
  ),
  scenario(
    'the answer is mapped',
    { actions: [action('stop_accepting_requests', [threshold(0.9)])] },
    under('1'),
    () => ({
      manager: {
        local_reply_config: {
          mappers: [
            {
              filter: {
                status_code_filter: { comparison: { op: 'EQ', value: { default_value: 503, runtime_key: 'x' } } },
              },
              status_code: 529,
              body: { inline_string: 'busy %RESPONSE_CODE_DETAILS%' },
            },
          ],
        },
      },
    }),
  ),
  scenario('a scaled trigger', { actions: [action('stop_accepting_requests', [scaled(0.5, 0.9)])] }, [
    ...under('0.5', '0.9', '0.3'),
    { name: 'a share of requests', pressure: '0.7', requests: [get, get], repeat: 60, tolerance: 0.2 },
  ]),
  scenario(
    'the stronger of two resources',
    (places) => ({
      resource_monitors: [injected(places), injected(places, 'other')],
      actions: [action('stop_accepting_requests', [threshold(0.5), threshold(0.9, 'other')])],
    }),
    under('0.4', '0.6', '1'),
  ),
  scenario(
    'a load shed point',
    { loadshed_points: [point('http_connection_manager_decode_headers', [threshold(0.9)])] },
    [...under('0', '0.9', '0.2'), { name: 'over HTTP/2', pressure: '1', http2: [{ fields }] }],
  ),
  scenario(
    'a load shed point that scales',
    { loadshed_points: [point('http_connection_manager_decode_headers', [scaled(0, 1)])] },
    [
      { name: 'a share of requests', pressure: '0.5', requests: [get, get], repeat: 60, tolerance: 0.2 },
      ...under('0', '1'),
    ],
  ),
  scenario(
    'connections are not kept',
    { actions: [action('disable_http_keepalive', [threshold(0.5)])] },
    keepaliveCases,
  ),
  {
    feature,
    name: 'connections are rejected',
    stats,
    bootstrap: (places) =>
      withSecond(places, { actions: [action('reject_incoming_connections', [threshold(0.9)])] }, PASSING),
    cases: rejectCases,
  },
  {
    feature,
    name: 'connections are shed when they are accepted',
    stats,
    bootstrap: (places) =>
      withSecond(places, { loadshed_points: [point('tcp_listener_accept', [threshold(0.9)])] }, PASSING),
    cases: rejectCases,
  },
  {
    feature,
    name: 'nothing is accepted',
    stats,
    bootstrap: (places) =>
      withSecond(places, { actions: [action('stop_accepting_connections', [scaled(0.9, 1)])] }, PASSING),
    cases: stopCases,
  },
  chained('a limit of one connection', mostConnections(1)),
  chained('a limit of two connections', mostConnections(2)),
  chained('a limit that the second listener does not know', mostConnections(1), { ignore_global_conn_limit: true }),
  chained('a limit that does not know of passing by', mostConnections(1), PASSING),
  scenario(
    'connections bring nothing else about',
    {
      resource_monitors: [mostConnections(2)],
      actions: [action('stop_accepting_requests', [threshold(0.5, CONNECTIONS)])],
    },
    [{ name: 'half of them are there', steps: steps({ sleep: 200 }, text) }],
  ),
  scenario(
    'idle connections end sooner',
    {
      actions: [
        action(
          'reduce_timeouts',
          [scaled(0.5, 1)],
          timers([{ timer: 'HTTP_DOWNSTREAM_CONNECTION_IDLE', min_timeout: '0.1s' }]),
        ),
      ],
    },
    [
      idle('without pressure', '0', [text, { awaitResponses: 1 }, { sleep: 500 }]),
      idle('under full pressure', '1', [text, { awaitResponses: 1 }, { sleep: 500 }]),
      idle('one that waits already', '0', [
        text,
        { awaitResponses: 1 },
        { sleep: 200 },
        { pressure: '1' },
        { sleep: 100 },
      ]),
      idle('half the time is not over', '0.75', [text, { awaitResponses: 1 }, { sleep: 500 }]),
      idle('half the time is over', '0.75', [text, { awaitResponses: 1 }, { sleep: 1500 }]),
    ],
    () => ({ manager: { common_http_protocol_options: { idle_timeout: '2s' } } }),
  ),
  scenario(
    'streams time out sooner',
    {
      actions: [
        action(
          'reduce_timeouts',
          [scaled(0.5, 1)],
          timers([{ timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_scale: { value: 10 } }]),
        ),
      ],
    },
    [
      { name: 'under full pressure', pressure: '1', steps: steps(text, { sleep: 700 }), backends: { 0: ['hang'] } },
      {
        name: 'one that waits already',
        pressure: '0',
        steps: steps(text, { pressure: '1' }, { sleep: 400 }),
        backends: { 0: ['hang'] },
      },
      { name: 'over HTTP/2', pressure: '1', http2: [{ fields }], backends: { 0: ['hang'] } },
    ],
    () => ({ manager: { stream_idle_timeout: '3s' } }),
  ),
  scenario(
    'connections last less long',
    {
      actions: [
        action(
          'reduce_timeouts',
          [threshold(0.5)],
          timers([{ timer: 'HTTP_DOWNSTREAM_CONNECTION_MAX', min_timeout: '0.2s' }]),
        ),
      ],
    },
    [
      idle('without pressure', '0', [text, { awaitResponses: 1 }, { sleep: 500 }]),
      { ...idle('under pressure', '1', [{ sleep: 500 }]), responses: 0 },
      { ...idle('one that is there already', '0', [{ pressure: '1' }, { sleep: 400 }]), responses: 0 },
    ],
    () => ({ manager: { common_http_protocol_options: { max_connection_duration: '5s' } } }),
  ),
];
