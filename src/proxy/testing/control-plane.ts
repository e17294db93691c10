import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '../../base/index.ts';
import { createXdsServer, type XdsServer } from '../../xds/index.ts';
import { HTTP_OPTIONS, type Json } from './harness.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');

/** A config source: the one stream. */
export const ADS = { ads: {}, resource_api_version: 'V3' };

/** A control plane on a socket of its own. */
export interface ControlPlane {
  readonly xds: XdsServer;
  readonly socket: string;
  close(): Promise<void>;
}

/** `more`: adds services beside that of discovery. */
export async function startControlPlane(
  more: (server: InstanceType<typeof grpc.Server>) => void = () => undefined,
): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-ads-'));
  const socket = path.join(folder, 'xds.sock');
  const server = new grpc.Server();
  const xds = createXdsServer({ log: createLogger('test') });
  for (const { definition, implementation } of xds.services) server.addService(definition, implementation);
  more(server);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return {
    xds,
    socket,
    close: async () => {
      xds.close();
      server.forceShutdown();
      await rm(folder, { recursive: true });
    },
  };
}

/** A bootstrap of a proxy that has everything from there. */
export function adsBootstrap(socket: string, form: 'GRPC' | 'DELTA_GRPC'): Json {
  return {
    node: { id: 'node-1', cluster: 'ciliate' },
    static_resources: {
      clusters: [
        {
          name: 'xds-grpc-cilium',
          type: 'STATIC',
          connect_timeout: '2s',
          typed_extension_protocol_options: {
            [HTTP_OPTIONS]: {
              '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'xds-grpc-cilium',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
          },
        },
      ],
    },
    dynamic_resources: {
      ads_config: {
        api_type: form,
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc-cilium' } }],
      },
      cds_config: ADS,
      lds_config: ADS,
    },
  };
}

export async function planeConnected({ xds }: ControlPlane): Promise<void> {
  for (let waited = 0; xds.connected().length === 0; waited++) {
    assert.ok(waited < 500, 'the proxy did not connect');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
