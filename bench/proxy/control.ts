import type { ServiceDefinition } from '@grpc/grpc-js';
import { serveOnSocket } from '../../src/agent/servers.ts';
import { createLogger } from '../../src/base/index.ts';
import { grpcService } from '../../src/model/envoy/index.ts';
import { namedConfig, rbacConfigNames } from '../../src/plan/envoy-json.ts';
import { httpListener, originalDestinationCluster } from '../../src/plan/http-listeners.ts';
import type { JsonObject } from '../../src/plan/index.ts';
import { createXdsServer } from '../../src/xds/index.ts';

interface ControlPlaneChanges {
  readonly accessLog?: Service;
  readonly change?: (listener: JsonObject) => JsonObject;
}

const cluster = 'cilium-original-dst';

type Service = Parameters<typeof serveOnSocket>[1][number];

/**
 * Gives a data plane on `socket` the listener that `ciliate up` builds for a policy, or what the caller makes of it, and hands its access log to
 * a service, or drops it.
 */
export async function serveControlPlane(
  socket: string,
  port: number,
  client: string,
  { accessLog = droppedAccessLog(), change = (listener) => listener }: ControlPlaneChanges = {},
): Promise<() => Promise<void>> {
  const log = createLogger('bench');
  const xds = createXdsServer({ log });
  const serving = await serveOnSocket(socket, [...xds.services, accessLog]);
  void xds.publish({
    listeners: new Map([['cilium-http-egress', change(httpListener('egress', port, ''))]]),
    clusters: new Map([[cluster, originalDestinationCluster(cluster)]]),
    routes: new Map(),
    endpoints: new Map(),
    secrets: new Map(),
    extensionConfigs: new Map(rbacConfigNames.map((name) => [name, policyOf(name, client)])),
  });
  return async () => {
    xds.close();
    await serving.close();
  };
}

/** What a policy makes that lets one client `GET` below `/api/`. */
function policyOf(name: (typeof rbacConfigNames)[number], client: string): JsonObject {
  const allowed: JsonObject = {
    permissions: [
      {
        and_rules: {
          rules: [
            { header: { name: ':method', string_match: { exact: 'GET' } } },
            { url_path: { path: { prefix: '/api/' } } },
          ],
        },
      },
    ],
    principals: [{ direct_remote_ip: { address_prefix: client, prefix_len: 32 } }],
  };
  const denies = name.endsWith('-deny');
  return namedConfig(name, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    ...(name.startsWith('ciliate/ingress') && { rules_stat_prefix: 'ingress_' }),
    rules: { action: denies ? 'DENY' : 'ALLOW', policies: denies ? {} : { bench: allowed } },
  });
}

function droppedAccessLog(): Service {
  const definition = grpcService('envoy.service.accesslog.v3.AccessLogService') as Record<string, object>;
  const method = { ...definition['StreamAccessLogs'], requestDeserialize: (bytes: Buffer) => bytes.length };
  return {
    definition: { StreamAccessLogs: method } as unknown as ServiceDefinition,
    implementation: {
      StreamAccessLogs: (call: NodeJS.ReadableStream, done: (error: null, answer: object) => void) => {
        call.on('data', () => undefined);
        call.on('error', () => undefined);
        call.on('end', () => done(null, {}));
      },
    },
  };
}
