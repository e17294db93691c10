import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { endpoint } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario, Step } from '../types.ts';

/** Backend 4 is closed. */
const kinds = ['http', 'http', 'http', 'http', 'closed'] as const;

const answer = (status: number): Behaviour => ({ raw: `HTTP/1.1 ${status} Any\r\ncontent-length: 0\r\n\r\n` });
const answers = (...statuses: readonly number[]): readonly Behaviour[] => statuses.map(answer);
const many = (status: number, count = 40): readonly Behaviour[] => new Array<Behaviour>(count).fill(answer(status));

/** Hosts by Maglev with keys of their own: then every run makes the same choices. */
const cluster =
  (backends: readonly number[], outlier: Json, more: Json = {}) =>
  (places: Places): Json => ({
    ...assignment([
      group(
        backends.map((backend) =>
          endpoint(places, backend, { metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${backend}` } } } }),
        ),
      ),
    ]),
    lb_policy: 'MAGLEV',
    maglev_lb_config: { table_size: 101 },
    common_lb_config: { update_merge_window: '0s' },
    outlier_detection: { interval: '60s', ...outlier },
    ...more,
  });

interface Script {
  /** `x-key` of the requests, one after the other, or a pause in milliseconds. */
  readonly plan: readonly (string | number)[];
  readonly backends?: Case['backends'];
  readonly route?: Json;
  /** Without a pause, so that all requests fall into one interval. */
  readonly fast?: true;
}

/** Requests with a moment in between, since Envoy ejects on another thread. */
function steps(index: number, { plan, fast }: Script): Step[] {
  let sent = 0;
  return plan.flatMap((one): Step[] => {
    if (typeof one === 'number') return [{ sleep: one }];
    sent++;
    return [
      { send: `GET /${index}/ HTTP/1.1\r\nhost: example.com\r\nx-key: ${one}\r\n\r\n` },
      { awaitResponses: sent },
      ...(fast ? [] : [{ sleep: 12 }]),
    ];
  });
}

type Draft = Omit<ClusterCase, 'play'> & { readonly script: Script };

const draft = (name: string, backends: readonly number[], outlier: Json, script: Script, more: Json = {}): Draft => ({
  name,
  cluster: cluster(backends, outlier, more),
  route: { hash_policy: [{ header: { header_name: 'x-key' } }], timeout: '0s', ...script.route },
  script,
});

function finish(drafts: readonly Draft[]): readonly ClusterCase[] {
  return drafts.map(({ script, ...one }, index) => ({
    ...one,
    play: {
      steps: steps(index, script),
      responses: script.plan.filter((step) => typeof step === 'string').length,
      ...(script.backends ? { backends: script.backends } : {}),
      without: ['log'],
      timeoutMs: 6000,
    },
  }));
}

const times = (count: number, key = 'a'): readonly string[] => new Array<string>(count).fill(key);
const all = { max_ejection_percent: 100 };
const keys = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `k${index}`);

const about = {
  feature: 'outlier detection',
  backends: kinds,
  stats: [/outlier_detection/, /lb_healthy_panic/, /membership_/],
};

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { ...about, name: 'consecutive errors' },
    finish([
      draft(
        'one host stays with 10 percent',
        [0],
        { consecutive_5xx: 2 },
        { plan: times(5), backends: { 0: many(500) } },
      ),
      draft(
        'one host goes with 100 percent',
        [0],
        { consecutive_5xx: 2, ...all },
        { plan: times(5), backends: { 0: many(500) } },
      ),
      draft(
        'one host goes when one always may',
        [0],
        { consecutive_5xx: 2, always_eject_one_host: true },
        { plan: times(5), backends: { 0: many(500) } },
      ),
      draft(
        'two hosts stay with 10 percent',
        [0, 1],
        { consecutive_5xx: 2 },
        { plan: [...keys(10)], backends: { 0: many(500), 1: many(500) } },
      ),
      draft(
        'one of two goes with 50 percent',
        [0, 1],
        { consecutive_5xx: 2, max_ejection_percent: 50 },
        { plan: keys(12), backends: { 0: many(500), 1: many(500) } },
      ),
      draft(
        'one of three goes with 34 percent',
        [0, 1, 2],
        { consecutive_5xx: 2, max_ejection_percent: 34 },
        { plan: keys(16), backends: { 0: many(500), 1: many(500), 2: many(500) } },
      ),
      draft(
        'none of three goes with 33 percent',
        [0, 1, 2],
        { consecutive_5xx: 2, max_ejection_percent: 33 },
        { plan: keys(16), backends: { 0: many(500), 1: many(500), 2: many(500) } },
      ),
      draft(
        'all of two go with 100 percent',
        [0, 1],
        { consecutive_5xx: 2, ...all },
        { plan: keys(12), backends: { 0: many(500), 1: many(500) } },
      ),
      draft(
        'the other host takes over',
        [0, 1],
        { consecutive_5xx: 2, ...all },
        { plan: keys(14), backends: { 0: many(500) } },
      ),
      draft('five in a row by default', [0], all, { plan: times(6), backends: { 0: many(500) } }),
      draft('four in a row are not five', [0], all, {
        plan: times(6),
        backends: { 0: answers(500, 500, 500, 500, 200, 500) },
      }),
      draft(
        'a success in between starts over',
        [0],
        { consecutive_5xx: 3, ...all },
        { plan: times(6), backends: { 0: answers(500, 500, 200, 500, 500, 200) } },
      ),
      draft(
        'a 4xx is a success',
        [0],
        { consecutive_5xx: 3, ...all },
        { plan: times(6), backends: { 0: answers(500, 500, 404, 500, 500, 200) } },
      ),
      draft(
        '599 is an error and 600 none',
        [0],
        { consecutive_5xx: 2, ...all },
        { plan: times(4), backends: { 0: answers(599, 599, 200, 200) } },
      ),
      draft(
        'detected but not enforced',
        [0],
        { consecutive_5xx: 2, enforcing_consecutive_5xx: 0, ...all },
        { plan: times(5), backends: { 0: many(500) } },
      ),
      draft(
        'gateway errors are not enforced by default',
        [0],
        { consecutive_5xx: 50, consecutive_gateway_failure: 2, ...all },
        { plan: times(4), backends: { 0: answers(502, 503, 504, 502) } },
      ),
      draft(
        'gateway errors',
        [0],
        { consecutive_5xx: 50, consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100, ...all },
        { plan: times(4), backends: { 0: answers(502, 503, 200, 200) } },
      ),
      draft(
        'a 500 is no gateway error',
        [0],
        { consecutive_5xx: 50, consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100, ...all },
        { plan: times(5), backends: { 0: answers(502, 500, 502, 505, 504) } },
      ),
      draft(
        'gateway errors and 5xx at the same time',
        [0],
        { consecutive_5xx: 3, consecutive_gateway_failure: 3, enforcing_consecutive_gateway_failure: 100, ...all },
        { plan: times(4), backends: { 0: many(503) } },
      ),
      draft(
        'nobody counts with a threshold of 0',
        [0],
        { consecutive_5xx: 0, ...all },
        { plan: times(6), backends: { 0: many(500) } },
      ),
      draft(
        'no host is left without panic',
        [0],
        { consecutive_5xx: 1, ...all },
        { plan: times(3), backends: { 0: many(500) } },
        { common_lb_config: { update_merge_window: '0s', healthy_panic_threshold: { value: 0 } } },
      ),
    ]),
  ),
  clusterScenario(
    { ...about, name: 'local failures' },
    finish([
      draft('refused connections count as 503', [4], { consecutive_5xx: 3, ...all }, { plan: times(5) }),
      draft(
        'refused connections are gateway errors',
        [4],
        { consecutive_5xx: 50, consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100, ...all },
        { plan: times(4) },
      ),
      draft(
        'refused connections on their own',
        [4],
        { split_external_local_origin_errors: true, consecutive_local_origin_failure: 3, consecutive_5xx: 1, ...all },
        { plan: times(5) },
      ),
      draft(
        'local failures not enforced',
        [4],
        {
          split_external_local_origin_errors: true,
          consecutive_local_origin_failure: 2,
          enforcing_consecutive_local_origin_failure: 0,
          ...all,
        },
        { plan: times(4) },
      ),
      draft(
        'responses on their own',
        [0],
        { split_external_local_origin_errors: true, consecutive_local_origin_failure: 1, consecutive_5xx: 3, ...all },
        { plan: times(4), backends: { 0: many(500) } },
      ),
      draft(
        'gateway responses on their own',
        [0],
        {
          split_external_local_origin_errors: true,
          consecutive_5xx: 50,
          consecutive_gateway_failure: 2,
          enforcing_consecutive_gateway_failure: 100,
          ...all,
        },
        { plan: times(4), backends: { 0: answers(500, 500, 502, 502) } },
      ),
      draft(
        'closed connections count as errors',
        [0],
        { consecutive_5xx: 2, ...all },
        { plan: times(4), backends: { 0: [{ end: 'close' }, { end: 'close' }] } },
      ),
      draft(
        'reset connections count as errors',
        [0],
        { consecutive_5xx: 2, ...all },
        { plan: times(4), backends: { 0: [{ end: 'reset' }, { end: 'reset' }] } },
      ),
      draft(
        'closed connections when split',
        [0],
        { split_external_local_origin_errors: true, consecutive_local_origin_failure: 2, consecutive_5xx: 50, ...all },
        { plan: times(5), backends: { 0: [{ end: 'close' }, { end: 'close' }, { end: 'close' }] } },
      ),
      draft(
        'time-outs count as 504',
        [0],
        { consecutive_5xx: 50, consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100, ...all },
        { plan: times(3), backends: { 0: ['hang', 'hang'] }, route: { timeout: '0.06s' } },
      ),
      draft(
        'time-outs when split',
        [0],
        { split_external_local_origin_errors: true, consecutive_local_origin_failure: 2, consecutive_5xx: 50, ...all },
        { plan: times(4), backends: { 0: ['hang', 'hang', 'hang'] }, route: { timeout: '0.06s' } },
      ),
      draft(
        'bytes that are no response',
        [0],
        { consecutive_5xx: 2, ...all },
        { plan: times(3), backends: { 0: [{ raw: 'what\r\n\r\n' }, { raw: 'what\r\n\r\n' }] } },
      ),
    ]),
  ),
  clusterScenario(
    { ...about, name: 'times and rates' },
    finish([
      draft(
        'a host comes back',
        [0, 1],
        { consecutive_5xx: 2, base_ejection_time: '0.2s', interval: '0.1s', ...all },
        {
          plan: ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 600, 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'],
          backends: { 0: [...answers(500, 500)] },
        },
      ),
      draft(
        'the second time takes longer',
        [0],
        { consecutive_5xx: 1, base_ejection_time: '0.3s', interval: '0.05s', ...all },
        {
          plan: ['a', 450, 'a', 420, 400, 'a'],
          backends: { 0: answers(500, 500, 200) },
        },
      ),
      draft(
        'not longer than max_ejection_time',
        [0],
        { consecutive_5xx: 1, base_ejection_time: '0.2s', max_ejection_time: '0.2s', interval: '0.05s', ...all },
        {
          plan: ['a', 350, 'a', 350, 'a'],
          backends: { 0: answers(500, 500, 200) },
        },
      ),
      draft(
        'success rate',
        [0, 1, 2],
        {
          consecutive_5xx: 50,
          interval: '1s',
          success_rate_minimum_hosts: 3,
          success_rate_request_volume: 3,
          success_rate_stdev_factor: 1000,
          ...all,
        },
        {
          plan: [...keys(24), 1300],
          fast: true,
          backends: { 0: many(500) },
        },
      ),
      draft(
        'success rate not enforced',
        [0, 1, 2],
        {
          consecutive_5xx: 50,
          interval: '1s',
          enforcing_success_rate: 0,
          success_rate_minimum_hosts: 3,
          success_rate_request_volume: 3,
          success_rate_stdev_factor: 1000,
          ...all,
        },
        {
          plan: [...keys(24), 1300],
          fast: true,
          backends: { 0: many(500) },
        },
      ),
      draft(
        'success rate with too few hosts',
        [0, 1],
        { consecutive_5xx: 50, interval: '1s', success_rate_minimum_hosts: 3, success_rate_request_volume: 3, ...all },
        {
          plan: [...keys(20), 1300],
          fast: true,
          backends: { 0: many(500) },
        },
      ),
      draft(
        'failure percentage',
        [0, 1],
        {
          consecutive_5xx: 50,
          interval: '1s',
          enforcing_failure_percentage: 100,
          failure_percentage_minimum_hosts: 2,
          failure_percentage_request_volume: 3,
          failure_percentage_threshold: 60,
          ...all,
        },
        {
          plan: [...keys(20), 1300],
          fast: true,
          backends: { 0: many(500) },
        },
      ),
      draft(
        'failure percentage is not enforced by default',
        [0, 1],
        {
          consecutive_5xx: 50,
          interval: '2s',
          failure_percentage_minimum_hosts: 2,
          failure_percentage_request_volume: 3,
          ...all,
        },
        {
          plan: [...keys(20), 2300],
          fast: true,
          backends: { 0: many(500) },
        },
      ),
      draft(
        'failure percentage of local failures',
        [4],
        {
          split_external_local_origin_errors: true,
          consecutive_local_origin_failure: 50,
          interval: '1s',
          enforcing_failure_percentage_local_origin: 100,
          failure_percentage_minimum_hosts: 1,
          failure_percentage_request_volume: 3,
          ...all,
        },
        {
          plan: [...times(8), 1300],
          fast: true,
        },
      ),
    ]),
  ),
];
