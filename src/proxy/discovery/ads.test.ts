import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { grpcService, serviceName } from '../../model/envoy/index.ts';
import type { XdsServer } from '../../xds/index.ts';
import { type RunningProxy, startProxy } from '../index.ts';
import { ADS, adsBootstrap, type ControlPlane, planeConnected, startControlPlane } from '../testing/control-plane.ts';
import {
  type Backend,
  Client,
  endpoint,
  freePort,
  HCM,
  HTTP_OPTIONS,
  type Json,
  once,
  RBAC,
  ROUTER,
  startBackend,
} from '../testing/harness.ts';

interface Plane extends ControlPlane {
  /** Messages of StreamAccessLogs. */
  readonly logs: Json[];
  onLog: () => void;
}

async function controlPlane(): Promise<Plane> {
  const logs: Json[] = [];
  const plane: Plane = Object.assign(
    await startControlPlane((server) =>
      server.addService(grpcService(serviceName.accessLog), {
        StreamAccessLogs: (call: NodeJS.EventEmitter) => {
          call.on('data', (message: Json) => {
            logs.push(message);
            plane.onLog();
          });
          call.on('error', () => undefined);
        },
      }),
    ),
    { logs, onLog: () => undefined },
  );
  return plane;
}

function rbac(policies: Json): Json {
  return { name: 'ciliate/egress', typed_config: { '@type': RBAC, rules: { action: 'ALLOW', policies } } };
}

const onlyPath = (regex: string, port: number): Json => ({
  'rule-1': {
    principals: [{ direct_remote_ip: { address_prefix: '127.0.0.1', prefix_len: 32 } }],
    permissions: [
      {
        and_rules: {
          rules: [
            {
              matcher: {
                name: 'upstream',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher',
                  upstream_ip: { address_prefix: '127.0.0.1', prefix_len: 32 },
                  upstream_port_range: { start: port, end: port },
                },
              },
            },
            { header: { name: ':path', string_match: { safe_regex: { regex } } } },
          ],
        },
      },
    ],
  },
});

function resources(backend: Backend, port: number, policies: Json): Parameters<XdsServer['publish']>[0] {
  const discovered = (name: string): Json => ({
    name,
    config_discovery: { config_source: ADS, type_urls: [RBAC] },
  });
  const cluster = {
    name: 'web',
    type: 'EDS',
    connect_timeout: '2s',
    eds_cluster_config: { eds_config: ADS },
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [
          discovered('ciliate/egress'),
          {
            name: 'codec',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec',
            },
          },
        ],
      },
    },
  };
  const manager = {
    '@type': HCM,
    stat_prefix: 'l',
    rds: { route_config_name: 'web', config_source: ADS },
    http_filters: [ROUTER],
    access_log: [
      {
        name: 'grpc',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig',
          common_config: {
            log_name: 'egress:l',
            transport_api_version: 'V3',
            grpc_service: { envoy_grpc: { cluster_name: 'xds-grpc-cilium' } },
            buffer_flush_interval: '0.010s',
          },
          additional_request_headers_to_log: ['user-agent'],
        },
      },
    ],
    local_reply_config: {
      mappers: [
        {
          filter: {
            metadata_filter: {
              matcher: {
                filter: 'envoy.filters.http.upstream_rbac',
                path: [{ key: 'enforced_engine_result' }],
                value: { string_match: { exact: 'denied' } },
              },
              match_if_key_not_found: false,
            },
          },
          body: { inline_string: 'Access denied\r\n' },
        },
      ],
    },
  };
  const listener = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }],
  };
  const route = {
    name: 'web',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [
          {
            match: { prefix: '/' },
            route: { cluster: 'web', regex_rewrite: { pattern: { regex: '^/foo.*$' }, substitution: '/' } },
          },
        ],
      },
    ],
  };
  return {
    listeners: new Map([['l', listener]]),
    routes: new Map([['web', route]]),
    clusters: new Map([['web', cluster]]),
    endpoints: new Map([['web', { cluster_name: 'web', endpoints: [{ lb_endpoints: [endpoint(backend.port)] }] }]]),
    secrets: new Map(),
    extensionConfigs: new Map([['ciliate/egress', rbac(policies)]]),
  } as Parameters<XdsServer['publish']>[0];
}

for (const form of ['GRPC', 'DELTA_GRPC'] as const) {
  test(`ADS (${form}): snapshot in, policy swapped on a live connection, bad resource refused, entries logged`, async () => {
    const plane = await controlPlane();
    const backend = await startBackend();
    let proxy: RunningProxy | undefined;
    try {
      proxy = await startProxy({ bootstrap: adsBootstrap(plane.socket, form), log: createLogger('proxy-test') });
      await planeConnected(plane);
      const port = await freePort();
      const first = await plane.xds.publish(resources(backend, port, onlyPath('/([?].*)?', backend.port)));
      assert.deepEqual(first, { state: 'accepted', rejections: [] });
      const client = new Client(port);
      assert.equal((await client.get('/foo?x=1', 'user-agent: u\r\n')).body, 'ok');
      const denied = await client.get('/bar');
      assert.deepEqual([denied.status, denied.body], [403, 'Access denied\r\n']);
      assert.equal(backend.heads.length, 1);

      const second = await plane.xds.publish(resources(backend, port, onlyPath('/bar', backend.port)));
      assert.equal(second.state, 'accepted');
      assert.equal((await client.get('/bar')).status, 200, 'the same connection, the new policy');
      assert.equal((await client.get('/')).status, 403);

      const bad = resources(backend, port, onlyPath('/bar', backend.port));
      const broken = {
        ...(bad.routes.get('web') as Json),
        virtual_hosts: [
          {
            name: 'v',
            domains: ['*'],
            routes: [
              {
                match: { prefix: '/' },
                route: { cluster: 'web' },
                typed_per_filter_config: {
                  lua: {
                    '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute',
                    name: 'x',
                  },
                },
              },
            ],
          },
        ],
      };
      const third = await plane.xds.publish({ ...bad, routes: new Map([['web', broken]]) } as typeof bad);
      assert.equal(third.state, 'rejected');
      assert.match(
        third.rejections[0]?.message ?? '',
        /virtual_hosts\[0\]\.routes\[0\]\.typed_per_filter_config\["lua"\].*LuaPerRoute.* not supported by ciliate-proxy/,
      );
      assert.equal((await client.get('/foo')).status, 403, 'the last good route stays: /foo becomes /');
      client.close();
      await logged(plane, 5);
      checkLogs(plane, backend);
      assert.equal((await once(port, '/bar')).status, 200);
    } finally {
      await proxy?.stop(0);
      await plane.close();
      await backend.close();
    }
  });
}

const entries = (plane: Plane): readonly Json[] =>
  plane.logs.flatMap((message) => ((message['http_logs'] as Json | undefined)?.['log_entry'] as Json[]) ?? []);

async function logged(plane: Plane, count: number): Promise<void> {
  while (entries(plane).length < count) {
    await new Promise<void>((resolve) => {
      plane.onLog = resolve;
    });
  }
}

function checkLogs(plane: Plane, backend: Backend): void {
  const identifier = plane.logs[0]?.['identifier'] as Json | undefined;
  assert.equal(identifier?.['log_name'], 'egress:l');
  const [allowed, denied] = entries(plane);
  const request = allowed?.['request'] as Json;
  assert.equal(request['path'], '/?x=1');
  assert.equal(request['original_path'], '/foo?x=1');
  assert.deepEqual(request['request_headers'], { 'user-agent': 'u' });
  const common = denied?.['common_properties'] as Json;
  const upstream = (common['upstream_remote_address'] as Json)['socket_address'] as Json;
  assert.equal(upstream['port_value'], backend.port);
  const metadata = JSON.stringify(common['metadata']);
  assert.match(metadata, /enforced_engine_result.*denied/);
  assert.match(JSON.stringify(allowed?.['common_properties']), /enforced_effective_policy_id.*rule-1/);
  const response = denied?.['response'] as Json;
  assert.equal((response['response_code'] as Json)['value'], 403);
  assert.equal(response['response_code_details'], 'rbac_access_denied_matched_policy[none]');
}
