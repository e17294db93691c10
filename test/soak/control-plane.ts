import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '../../src/base/index.ts';
import { createXdsServer, type XdsServer } from '../../src/xds/index.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');

type Json = Record<string, unknown>;
type Resources = Parameters<XdsServer['publish']>[0];

const prefix = 'type.googleapis.com/';
const ads = { ads: {}, resource_api_version: 'V3' };
const rbac = `${prefix}envoy.extensions.filters.http.rbac.v3.RBAC`;
const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const typed = (name: string, config: Json = {}): Json => ({ '@type': `${prefix}${name}`, ...config });

export interface ControlPlane {
  readonly socket: string;
  readonly xds: XdsServer;
  close(): Promise<void>;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(tmpdir(), 'soak-'));
  const socket = path.join(folder, 'xds.sock');
  const server = new grpc.Server();
  const log = createLogger('soak');
  log.level = 'error';
  const xds = createXdsServer({ log });
  for (const { definition, implementation } of xds.services) server.addService(definition, implementation);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return {
    socket,
    xds,
    close: async () => {
      xds.close();
      server.forceShutdown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function bootstrap(socket: string, adminPort: number): Json {
  const http2 = typed(httpOptions, { explicit_http_config: { http2_protocol_options: {} } });
  return {
    node: { id: 'soak', cluster: 'soak' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          typed_extension_protocol_options: { [httpOptions]: http2 },
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
          },
        },
      ],
    },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
  };
}

export interface Wiring {
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly backends: readonly number[];
  readonly echo: number;
}

const address = (port: number): Json => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** The resources of one moment. What differs from the moment before depends on `turn`: routes, endpoints, policy, chains or clusters. */
export function resourcesAt(turn: number, random: () => number, wiring: Wiring): Resources {
  const chosen = wiring.backends.filter(() => random() < 0.7);
  const endpoints = chosen.length > 0 ? chosen : wiring.backends;
  return {
    listeners: new Map([
      ['http', httpListener(turn, wiring)],
      ['tcp', tcpListener(wiring)],
    ]),
    routes: new Map([['web', routes(turn, random)]]),
    clusters: new Map([
      ['web', cluster('web', turn)],
      ['other', cluster('other', 0)],
      ['echo', echoCluster(wiring.echo)],
      ...(turn % 7 === 0 ? [['passing', cluster('passing', turn)] as const] : []),
    ]),
    endpoints: new Map([
      ['web', assignment('web', endpoints)],
      ['other', assignment('other', wiring.backends)],
      ...(turn % 7 === 0 ? [['passing', assignment('passing', endpoints)] as const] : []),
    ]),
    secrets: new Map(),
    extensionConfigs: new Map([['policy', policy(turn)]]),
  } as unknown as Resources;
}

function httpListener(turn: number, { httpPort }: Wiring): Json {
  const manager = typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    // A new prefix now and then makes a new chain: connections of the old one drain.
    stat_prefix: `in${Math.floor(turn / 40) % 2}`,
    rds: { route_config_name: 'web', config_source: ads },
    stream_idle_timeout: '20s',
    access_log: [
      {
        name: 'file',
        typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path: '/dev/null' }),
      },
    ],
    http_filters: [
      { name: 'policy', config_discovery: { config_source: ads, type_urls: [rbac] } },
      { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') },
    ],
  });
  return {
    name: 'http',
    address: address(httpPort),
    filter_chains: [{ name: 'chain', filters: [{ name: 'hcm', typed_config: manager }] }],
  };
}

function tcpListener({ tcpPort }: Wiring): Json {
  const proxy = typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: 'echo',
  });
  return {
    name: 'tcp',
    address: address(tcpPort),
    filter_chains: [{ filters: [{ name: 'tcp', typed_config: proxy }] }],
  };
}

function routes(turn: number, random: () => number): Json {
  const weight = Math.floor(random() * 100);
  const extra = Array.from({ length: Math.floor(random() * 20) }, (_, index) => ({
    match: { prefix: `/unused/${index}` },
    direct_response: { status: 404 },
  }));
  const retry = { retry_on: 'connect-failure,refused-stream', num_retries: 2 };
  const action = {
    weighted_clusters: {
      clusters: [
        { name: 'web', weight },
        { name: 'other', weight: 100 - weight },
      ],
    },
    timeout: '10s',
    ...(turn % 3 === 0 ? { retry_policy: retry } : {}),
  };
  return {
    name: 'web',
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [...extra, { match: { prefix: '/' }, route: action }],
        response_headers_to_add: [{ header: { key: 'x-turn', value: String(turn) } }],
      },
    ],
  };
}

function cluster(name: string, turn: number): Json {
  return {
    name,
    type: 'EDS',
    eds_cluster_config: { eds_config: ads },
    connect_timeout: '1s',
    lb_policy: Math.floor(turn / 100) % 2 === 0 ? 'ROUND_ROBIN' : 'LEAST_REQUEST',
    outlier_detection: { consecutive_5xx: 20, interval: '1s', base_ejection_time: '1s', max_ejection_percent: 50 },
  };
}

function echoCluster(port: number): Json {
  return {
    name: 'echo',
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: 'echo',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
  };
}

function assignment(name: string, ports: readonly number[]): Json {
  const endpoints = ports.map((port) => ({ endpoint: { address: address(port) } }));
  return { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] };
}

function policy(turn: number): Json {
  const permissions = [{ any: true }];
  const principals = [{ any: true }];
  const policies = { [`rule-${turn % 5}`]: { permissions, principals } };
  return { name: 'policy', typed_config: { '@type': rbac, rules: { action: 'ALLOW', policies } } };
}
