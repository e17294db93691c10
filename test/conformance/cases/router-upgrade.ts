import { bootstrap, cluster, listener, manager, routeConfig, simple, toCluster } from '../config.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const status = (code: number): Behaviour => ({ raw: `HTTP/1.1 ${code} Some\r\ncontent-length: 2\r\n\r\nno` });
const switched = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
const handshake = (path: string, type = 'websocket'): string =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: ${type}\r\n\r\n`;
const retry: Json = { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } };

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router timeouts',
    name: 'upgrades',
    bootstrap: (places) =>
      simple(places, {
        manager: { upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'other' }] },
        routes: [
          toCluster('c0', { timeout: '0.15s' }, { prefix: '/short' }),
          toCluster('c0', { timeout: '0s', ...retry }, { prefix: '/retry' }),
          toCluster(
            'c0',
            {
              timeout: '0s',
              retry_policy: { retry_on: '5xx', per_try_timeout: '0.12s', retry_back_off: { base_interval: '0.001s' } },
            },
            { prefix: '/pertry' },
          ),
          toCluster('c0', { timeout: '0s' }),
        ],
      }),
    cases: [
      { name: 'a handshake that is not answered', steps: [{ send: handshake('/short') }], backends: { 0: ['hang'] } },
      {
        name: 'a connection outlives the timeout of its handshake',
        steps: [{ send: handshake('/short') }, { awaitResponses: 1 }, { sleep: 300 }, { send: 'ping' }, { sleep: 60 }],
        backends: { 0: [{ raw: switched }] },
      },
      { name: 'a handshake that is refused', steps: [{ send: handshake('/') }], backends: { 0: [status(403)] } },
      {
        name: 'a handshake that fails and is tried again',
        steps: [{ send: handshake('/retry') }, { sleep: 60 }],
        backends: { 0: [status(503), { raw: switched }] },
      },
      {
        name: 'a handshake that fails twice',
        steps: [{ send: handshake('/retry') }],
        backends: { 0: [status(503), status(503)] },
      },
      {
        name: 'a handshake that is too slow and is tried again',
        steps: [{ send: handshake('/pertry') }, { sleep: 200 }],
        backends: { 0: ['hang', { raw: switched }] },
      },
      {
        name: 'the backend closes in the handshake',
        steps: [{ send: handshake('/') }],
        backends: { 0: [{ end: 'close' }] },
      },
    ],
  },
  {
    feature: 'router replies',
    name: 'runtime keys',
    backends: ['http', 'http'],
    bootstrap: (places) => {
      const routes = [
        toCluster('c1', { timeout: '0s' }, { prefix: '/maintained' }),
        toCluster('c0', { timeout: '0s', ...retry }, { prefix: '/retry' }),
        toCluster('c0'),
      ];
      const hcm = manager(places, { route_config: routeConfig(routes) });
      const layer = {
        upstream: { maintenance_mode: { c0: 0, c1: 100 }, use_retry: 0 },
      };
      return bootstrap(places, [listener(places, 0, [hcm])], [cluster(places, 0), cluster(places, 1)], {
        layered_runtime: { layers: [{ name: 'static', static_layer: layer }] },
      });
    },
    cases: [
      { name: 'in maintenance', requests: [{ path: '/maintained' }] },
      { name: 'in maintenance, with a body', requests: [{ method: 'POST', path: '/maintained', body: 'hello' }] },
      { name: 'not in maintenance', requests: [{}] },
      { name: 'retries switched off', requests: [{ path: '/retry' }], backends: { 0: [status(503)] } },
    ],
  },
];
