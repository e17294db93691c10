import { plan, type World } from '../../src/plan/index.ts';
import { client, client2, dns, echoOther, echoSame } from '../../src/plan/test-support/walkthrough.ts';
import { podAddress, type TestPod, testWorld } from '../../src/plan/test-support/world.ts';

/** A client on the other node: what it sends to a backend here is judged by that one's ingress alone. */
const farClient: TestPod = { name: 'far-client', node: 2, host: 20, labels: { name: 'far-client', kind: 'client' } };
/** A backend of which nobody listens on port 8080. */
const gone: TestPod = { name: 'gone', node: 2, host: 21, labels: { name: 'gone', kind: 'echo' } };
const closed: TestPod = { name: 'closed', node: 2, host: 22, labels: { name: 'closed', kind: 'closed' } };

export const addresses = {
  client: podAddress(client),
  client2: podAddress(client2),
  farClient: podAddress(farClient),
  echoSame: podAddress(echoSame),
  echoOther: podAddress(echoOther),
  gone: podAddress(gone),
  closed: podAddress(closed),
  service: '10.96.0.30',
} as const;

export type Place = keyof typeof addresses;

const services = [
  {
    name: 'shop',
    clusterIP: addresses.service,
    ports: [{ name: 'http', port: 8080 }],
    selector: { name: 'echo-same-node' },
  },
  ...[echoSame, echoOther, gone, closed].map(({ name }, at) => ({
    name,
    clusterIP: `10.96.0.${21 + at}`,
    ports: [{ name: 'http', port: 8080 }],
    selector: { name },
  })),
];

/** Longer than what Envoy takes for an expression unless it is told otherwise. */
export const token = `3f9c1c52-7f0e-4a35-9f42-${'0d2b8c4a11ee'.repeat(12)}`;

function policy(name: string, spec: object): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace: 'cilium-test', labels: { team: 'shop' } },
    spec,
  };
}

const select = (name: string) => ({ matchLabels: { name } });
const tcp = (port: string) => [{ port, protocol: 'TCP' }];

const policies = [
  policy('client2-requests', {
    endpointSelector: select('client2'),
    egress: [
      {
        toEndpoints: [{ matchLabels: { kind: 'echo' } }],
        toPorts: [
          {
            ports: tcp('8080'),
            rules: {
              http: [
                { method: 'GET', path: '/public/.*' },
                { method: 'POST', path: '/things' },
                { method: 'GET', path: '/inside' },
                { method: 'GET', path: '/socket' },
                { method: 'PURGE', path: '/public/.*' },
                {
                  method: 'GET',
                  path: '/guarded/[a-z0-9-]{1,63}/(items|orders|customers|invoices)/[0-9]{1,20}',
                  headers: [`X-Token: ${token}`],
                },
              ],
            },
          },
        ],
      },
      {
        toEndpoints: [{ matchLabels: { kind: 'echo' } }],
        toPorts: [{ ports: tcp('443'), serverNames: ['good.example'] }],
      },
    ],
  }),
  policy('client2-more', {
    endpointSelector: select('client2'),
    egress: [
      {
        toEndpoints: [select('echo-same-node')],
        toPorts: [{ ports: tcp('8080'), rules: { http: [{ method: 'GET', path: '/public/both' }] } }],
      },
    ],
  }),
  policy('same-node-requests', {
    endpointSelector: select('echo-same-node'),
    ingress: [
      {
        fromEndpoints: [{ matchLabels: { kind: 'client' } }],
        toPorts: [
          {
            ports: tcp('8080'),
            rules: {
              http: [{ path: '/guarded/.*' }, { path: '/public/.*' }, { path: '/things' }, { path: '/socket' }],
            },
          },
        ],
      },
    ],
  }),
  policy('client-names', {
    endpointSelector: select('client'),
    egress: [
      {
        toEndpoints: [{ matchLabels: { kind: 'echo' } }],
        toPorts: [
          {
            ports: tcp('9443'),
            serverNames: ['good.example'],
            listener: { envoyConfig: { kind: 'CiliumEnvoyConfig', name: 'tunnel' }, name: 'tunnel' },
          },
        ],
      },
    ],
  }),
  policy('nothing-to-closed', {
    endpointSelector: select('client'),
    egressDeny: [{ toEndpoints: [select('closed')] }],
    egress: [{ toEntities: ['all'] }],
  }),
];

const cluster = (name: string) => ({
  '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  name,
  type: 'EDS',
  connect_timeout: '1s',
});
const prefix = (text: string) => ({ prefix: text });
const to = (name: string, rest: object = {}) => ({ cluster: `cilium-test/${name}`, ...rest });

const routes = [
  { name: 'rewritten', match: prefix('/foo'), route: to('echo-same-node', { prefix_rewrite: '/public/foo' }) },
  {
    name: 'weighted',
    match: prefix('/split'),
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'cilium-test/echo-other-node', weight: 1 },
          { name: 'cilium-test/gone', weight: 0 },
        ],
      },
      regex_rewrite: { pattern: { regex: '^/split' }, substitution: '/public/split' },
    },
  },
  { name: 'moved', match: { path: '/moved' }, redirect: { path_redirect: '/public/moved', response_code: 'FOUND' } },
  { name: 'direct', match: { path: '/direct' }, direct_response: { status: 418, body: { inline_string: 'tea' } } },
  { match: prefix('/gone'), route: to('gone') },
  { name: 'closed', match: prefix('/closed'), route: to('closed') },
  {
    name: 'socket',
    match: prefix('/socket'),
    route: to('echo-same-node', { upgrade_configs: [{ upgrade_type: 'websocket' }] }),
  },
  {
    name: 'mirrored',
    match: prefix('/retried'),
    route: to('echo-other-node', { retry_policy: { retry_on: '5xx', num_retries: 2 } }),
  },
  { match: prefix('/public'), route: to('echo-same-node') },
  { match: { path: '/inside' }, route: to('echo-same-node') },
];

const envoyConfig = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEnvoyConfig',
  metadata: { name: 'shop', namespace: 'cilium-test' },
  spec: {
    services: [{ name: 'shop', namespace: 'cilium-test' }],
    backendServices: ['echo-same-node', 'echo-other-node', 'gone', 'closed'].map((name) => ({
      name,
      namespace: 'cilium-test',
    })),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
        name: 'shop',
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                  stat_prefix: 'shop',
                  rds: { route_config_name: 'shop' },
                  http_filters: [
                    {
                      name: 'envoy.filters.http.router',
                      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
        name: 'shop',
        virtual_hosts: [{ name: 'shop', domains: ['*'], routes }],
      },
      ...['echo-same-node', 'echo-other-node', 'gone', 'closed'].map((name) => cluster(`cilium-test/${name}`)),
    ],
  },
};

const tunnelConfig = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEnvoyConfig',
  metadata: { name: 'tunnel', namespace: 'cilium-test' },
  spec: {
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
        name: 'tunnel',
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.tcp_proxy',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
                  stat_prefix: 'tunnel',
                  cluster: 'original',
                },
              },
            ],
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
        name: 'original',
        type: 'ORIGINAL_DST',
        lb_policy: 'CLUSTER_PROVIDED',
      },
    ],
  },
};

export const world: World = testWorld([client, client2, farClient, echoSame, echoOther, gone, closed, dns], services, {
  policies,
  envoyConfigs: [envoyConfig, tunnelConfig],
});

export const planned = plan(world);
