import { bootstrap, cluster, fileLog, listener, manager, routeConfig, toCluster } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const reply = (status: number): Behaviour => ({ raw: `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n` });

const withId = (id: string): Case => ({ name: id, requests: [{ headers: { 'X-Request-Id': id } }] });
const ids: readonly Case[] = [
  '00000000-0000-4000-8000-000000000000',
  '00000031-0000-4000-8000-000000000000',
  '00000032-0000-4000-8000-000000000000',
  'FFFFFFFF-0000-4000-8000-000000000000',
  '0000270f-ffff-4000-8000-000000000000',
  '00000064 and more',
].map(withId);
const statuses: readonly Case[] = [200, 404, 500].map((status) => ({
  name: String(status),
  requests: [{}],
  backends: { 0: [reply(status)] },
}));

const sampled = (runtime_key: string, numerator: number, denominator = 'HUNDRED', more: Json = {}): Json => ({
  runtime_filter: { runtime_key, percent_sampled: { numerator, denominator }, ...more },
});
const status = (runtime_key: string, default_value: number): Json => ({
  status_code_filter: { comparison: { op: 'GE', value: { default_value, runtime_key } } },
});

const rows: readonly (readonly [string, Json, readonly Case[]])[] = [
  ['half of the ids', sampled('not.set', 50), ids],
  ['half of ten thousand', sampled('not.set', 5000, 'TEN_THOUSAND'), ids],
  ['half of a million', sampled('not.set', 500_000, 'MILLION'), ids],
  ['all by the runtime', sampled('set.hundred', 0), ids],
  ['none by the runtime', sampled('set.zero', 100), ids],
  ['more than all by the runtime', sampled('set.large', 1), ids],
  ['a share by the runtime, of another denominator', sampled('set.hundred', 1, 'TEN_THOUSAND'), ids],
  ['text in the runtime', sampled('set.text', 100), ids.slice(0, 1)],
  ['each on its own', sampled('set.hundred', 0, 'HUNDRED', { use_independent_randomness: true }), ids.slice(0, 2)],
  ['a status by the runtime', status('set.status', 1), statuses],
  ['a status that is not set', status('not.set', 500), statuses],
  ['a status by text in the runtime', status('set.text', 500), statuses],
];

export const scenarios: readonly Scenario[] = [
  {
    feature: 'access log filters',
    name: 'by the runtime and the request id',
    stats: false,
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map(([, filter], index) =>
          listener(places, index, [
            manager(places, {
              route_config: routeConfig([toCluster()]),
              access_log: [{ ...fileLog(places, '%RESPONSE_CODE% %REQ(X-REQUEST-ID)%\n'), filter }],
            }),
          ]),
        ),
        [cluster(places, 0)],
        {
          layered_runtime: {
            layers: [
              {
                name: 'static',
                static_layer: { set: { hundred: 100, zero: 0, large: 500, text: 'no number', status: 404 } },
              },
            ],
          },
        },
      ),
    cases: rows.flatMap(([name, , cases], index) =>
      cases.map((one): Case => ({ ...one, name: `${name}: ${one.name}`, listener: index })),
    ),
  },
];
