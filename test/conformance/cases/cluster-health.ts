import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { endpoint, socketAddress } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario, Step } from '../types.ts';

/** 0 to 2 speak HTTP and answer 200 with `b<index>`, 3 echoes bytes, 4 says `hello from b4` first, 5 is closed. */
const kinds = ['http', 'http', 'http', 'echo', 'banner', 'closed'] as const;

const hex = (text: string): string => Buffer.from(text).toString('hex');
const check = (more: Json): Json => ({
  timeout: '0.25s',
  interval: '60s',
  unhealthy_threshold: 2,
  healthy_threshold: 2,
  ...more,
});
const http = (more: Json = {}, rest: Json = {}): Json =>
  check({ http_health_check: { path: '/hc', ...more }, ...rest });
const tcp = (more: Json = {}, rest: Json = {}): Json => check({ tcp_health_check: more, ...rest });
const range = (start: number, end: number): Json => ({ start, end });

/** Hosts by Maglev with keys of their own, so that every run makes the same choices. */
const checked =
  (backends: readonly number[], health: Json, more: Json = {}, ofEndpoint: (places: Places) => Json = () => ({})) =>
  (places: Places): Json => ({
    ...assignment([
      group(
        backends.map((backend) => {
          const one = endpoint(places, backend, {
            metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${backend}` } } },
          });
          return { ...one, endpoint: { ...(one['endpoint'] as Json), ...ofEndpoint(places) } };
        }),
      ),
    ]),
    lb_policy: 'MAGLEV',
    maglev_lb_config: { table_size: 101 },
    common_lb_config: { update_merge_window: '0s' },
    health_checks: [health],
    ...more,
  });

const byKey = { hash_policy: [{ header: { header_name: 'x-key' } }] };
const keyed = (count: number) => Array.from({ length: count }, (_, index) => ({ headers: { 'x-key': `k${index}` } }));

/** What became of the first check: the statistics of the cluster, and where requests go. */
function first(name: string, cluster: ClusterCase['cluster'], index: number, requests = 1): ClusterCase {
  return {
    name,
    cluster,
    route: byKey,
    play: {
      requests: keyed(requests),
      without: ['log', 'connections'],
      admin: ['health_check.', 'membership_', 'lb_healthy_panic'].map(
        (part) => `/stats?filter=cluster.c${index}.${part}`,
      ),
    },
  };
}

const firsts = (list: readonly (readonly [string, ClusterCase['cluster'], number?])[]): readonly ClusterCase[] =>
  list.map(([name, cluster, requests], index) => first(name, cluster, index, requests));

const answer = (status: number, more = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status} Any\r\ncontent-length: 0\r\n${more}\r\n`,
});

/** Checks every 100 ms, with or without traffic. */
const often = (more: Json, rest: Json = {}): Json =>
  check({ http_health_check: { path: '/hc', ...more }, interval: '0.1s', no_traffic_interval: '0.1s', ...rest });

/** Waits, then sends requests for several keys: which backends answer shows which hosts are in use. */
function after(milliseconds: number, index: number, count = 6): Step[] {
  return [
    { sleep: milliseconds },
    ...Array.from({ length: count }, (_, key): Step[] => [
      { send: `GET /${index}/ HTTP/1.1\r\nhost: example.com\r\nx-key: k${key}\r\n\r\n` },
      { awaitResponses: key + 1 },
    ]).flat(),
  ];
}

/** A scenario for each, since checks of all clusters use up the script of a backend. */
const transition = (name: string, backends: Case['backends'], health: Json, more: Json = {}, wait = 700): Scenario =>
  clusterScenario({ feature: 'health checks', name, backends: kinds, warmUpMs: 300, stats: false }, [
    {
      name: 'after a while',
      cluster: checked([0, 1], health, more),
      route: byKey,
      play: {
        steps: after(wait, 0),
        responses: 6,
        ...(backends ? { backends } : {}),
        without: ['log', 'backends', 'stats'],
        admin: ['/stats?filter=cluster.c0.membership_'],
      },
    },
  ]);

const failing = (status: number, count = 200): readonly Behaviour[] => new Array<Behaviour>(count).fill(answer(status));

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { feature: 'health checks', name: 'the first check', backends: kinds, warmUpMs: 400, stats: false },
    firsts([
      ['an HTTP check passes', checked([0], http())],
      ['a status that is not expected', checked([0], http({ expected_statuses: [range(201, 202)] }))],
      ['a range of expected statuses', checked([0], http({ expected_statuses: [range(204, 205), range(200, 201)] }))],
      ['the end of a range is outside', checked([0], http({ expected_statuses: [range(100, 200)] }))],
      [
        'a retriable status',
        checked([0], http({ expected_statuses: [range(201, 202)], retriable_statuses: [range(200, 201)] })),
      ],
      ['an expected body', checked([0], http({ receive: [{ text: hex('b0') }] }))],
      [
        'an expected body as bytes',
        checked([0], http({ receive: [{ binary: Buffer.from('b0').toString('base64') }] })),
      ],
      ['parts of a body in order', checked([0], http({ receive: [{ text: hex('b') }, { text: hex('0') }] }))],
      ['parts of a body in the wrong order', checked([0], http({ receive: [{ text: hex('0') }, { text: hex('b') }] }))],
      ['another body', checked([0], http({ receive: [{ text: hex('b1') }] }))],
      ['a body that is cut', checked([0], http({ receive: [{ text: hex('b') }], response_buffer_size: 1 }))],
      ['HEAD', checked([0], http({ method: 'HEAD' }))],
      ['POST', checked([0], http({ method: 'POST' }))],
      ['POST with a body', checked([0], http({ method: 'POST', send: { text: hex('ping') } }))],
      ['a service name that does not match', checked([0], http({ service_name_matcher: { exact: 'x' } }))],
      [
        'a service name that nobody needs',
        checked([0], http({ service_name_matcher: { safe_regex: { regex: '.*' } } })),
      ],
      ['without reuse', checked([0], http({}, { reuse_connection: false }))],
      ['nobody listens', checked([5], http())],
      ['no HTTP there', checked([4], http())],
      ['no answer in time', checked([3], http({}, { timeout: '0.1s' }))],
      ['one of two', checked([0, 5], http()), 6],
      [
        'one of three with a threshold of 100',
        checked([0, 1, 5], http(), { common_lb_config: { healthy_panic_threshold: { value: 100 } } }),
        6,
      ],
      ['none without panic', checked([5], http(), { common_lb_config: { healthy_panic_threshold: { value: 0 } } })],
      ['a TCP check passes', checked([0], tcp())],
      ['nobody listens for a TCP check', checked([5], tcp())],
      ['a TCP check with bytes', checked([3], tcp({ send: { text: hex('ping') }, receive: [{ text: hex('ping') }] }))],
      [
        'a TCP check with other bytes',
        checked([3], tcp({ send: { text: hex('ping') }, receive: [{ text: hex('pong') }] }, { timeout: '0.1s' })),
      ],
      [
        'a TCP check of one who speaks first',
        checked([4], tcp({ receive: [{ text: hex('hello') }, { text: hex('b4') }] })),
      ],
      ['a TCP check without an answer', checked([3], tcp({ receive: [{ text: hex('x') }] }, { timeout: '0.1s' }))],
      ['a TCP check that sends only', checked([3], tcp({ send: { text: hex('ping') } }))],
      [
        'an endpoint without checks',
        checked([5], http(), {}, () => ({ health_check_config: { disable_active_health_check: true } })),
      ],
      [
        'another port',
        checked([5], http(), {}, (places) => ({ health_check_config: { port_value: places.backend(0) } })),
      ],
      [
        'another address',
        checked([5], http(), {}, (places) => ({
          health_check_config: { address: socketAddress(places.host, places.backend(1)) },
        })),
      ],
      [
        'another port that is closed',
        checked([0], http(), {}, (places) => ({ health_check_config: { port_value: places.backend(5) } })),
      ],
      [
        'new hosts count only after a check',
        checked([0, 5], http(), {
          common_lb_config: { ignore_new_hosts_until_first_hc: true, update_merge_window: '0s' },
        }),
        6,
      ],
      ['outlier detection beside it', checked([0], http(), { outlier_detection: { interval: '60s' } })],
    ]),
  ),
  transition('both healthy', undefined, often({})),
  transition('one fails at once by its status', { 0: failing(500) }, often({}, { unhealthy_threshold: 9 })),
  transition(
    'one fails after some retriable statuses',
    { 0: failing(503) },
    often({ retriable_statuses: [range(500, 600)] }),
  ),
  transition(
    'not before the threshold',
    { 0: [answer(503), answer(503), answer(503)] },
    often({ retriable_statuses: [range(500, 600)] }, { unhealthy_threshold: 40 }),
  ),
  transition('one fails by closing', { 0: new Array<Behaviour>(60).fill({ end: 'close' }) }, often({})),
  transition(
    'one fails by not answering',
    { 0: new Array<Behaviour>(60).fill('hang') },
    often({}, { timeout: '0.08s' }),
  ),
  transition('degraded', { 0: new Array<Behaviour>(60).fill(answer(200, 'x-envoy-degraded: true\r\n')) }, often({})),
  transition(
    'left out at once',
    { 0: new Array<Behaviour>(60).fill(answer(500, 'x-envoy-immediate-health-check-fail: true\r\n')) },
    often({}),
  ),
  transition('not healthy again before the threshold', { 0: [answer(500)] }, often({}, { healthy_threshold: 60 })),
  transition('healthy again', { 0: [answer(500)] }, often({}, { healthy_threshold: 2 })),
  transition(
    'a slower unhealthy interval',
    { 0: [answer(500)] },
    often({}, { healthy_threshold: 1, unhealthy_interval: '30s' }),
  ),
  transition(
    'the edge of becoming healthy',
    { 0: [answer(500)] },
    often({}, { healthy_threshold: 2, healthy_edge_interval: '30s' }),
  ),
  transition(
    'the edge of becoming unhealthy',
    { 0: failing(503) },
    often({ retriable_statuses: [range(500, 600)] }, { unhealthy_edge_interval: '30s' }),
  ),
  transition('no traffic, no haste', { 0: failing(500) }, http({}, { interval: '0.05s', no_traffic_interval: '30s' })),
  transition(
    'no traffic and healthy, even less haste',
    { 0: failing(500) },
    http({}, { interval: '0.05s', no_traffic_interval: '0.05s', no_traffic_healthy_interval: '30s' }),
  ),
];
