import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  encodeResource,
  type GrpcMessage,
  grpcService,
  type JsonObject,
  serviceName,
  typeUrl,
} from '../src/model/envoy/index.ts';
import { type Figure, median } from './figure.ts';
import { residentMemory } from './processes.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');

const CLUSTERS = 10_000;
const CHANGES = 60;
const LIMIT_MS = 60_000;

type Form = 'sotw' | 'delta';

/** Time until a proxy process has acknowledged 10,000 clusters with their endpoints, and a change of one endpoint among them. */
export async function xdsBench(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const form of ['sotw', 'delta'] as const) {
    const { all, changes, rss } = await measure(form);
    const of = form === 'sotw' ? 'state of the world' : 'delta';
    figures.push(
      { figure: `xds: ${CLUSTERS} clusters with endpoints, ${of}`, value: all, unit: 'ms', goal: '<= 2000' },
      { figure: `xds: one endpoint among them, ${of}`, value: median(changes), unit: 'ms', goal: '<= 5' },
      { figure: `xds: memory with them, ${of}`, value: rss, unit: 'MiB' },
    );
  }
  return figures;
}

interface Measured {
  readonly all: number;
  readonly changes: readonly number[];
  readonly rss: number;
}

async function measure(form: Form): Promise<Measured> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-xds-'));
  const plane = await startPlane(form);
  const file = path.join(folder, 'bootstrap.json');
  await writeFile(file, JSON.stringify(bootstrap(plane.port, form)));
  const proxy = spawn(process.execPath, [path.resolve(import.meta.dirname, '../src/proxy/main.ts'), '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const all = await plane.all;
    const rss = residentMemory([proxy.pid ?? 0]);
    const changes: number[] = [];
    for (let round = 0; round < CHANGES; round++) changes.push(await plane.change(round));
    // The first ones are measured before the code is compiled.
    return { all, changes: changes.slice(10), rss };
  } finally {
    proxy.kill('SIGKILL');
    plane.close();
    await rm(folder, { recursive: true });
  }
}

function bootstrap(port: number, form: Form): JsonObject {
  const ads = { ads: {}, resource_api_version: 'V3' };
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    node: { id: 'bench', cluster: 'bench' },
    dynamic_resources: {
      ads_config: {
        api_type: form === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
      cds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          typed_extension_protocol_options: {
            [options]: {
              '@type': `type.googleapis.com/${options}`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: { cluster_name: 'xds', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
        },
      ],
    },
  };
}

/** A cluster as a mesh has it, and its two endpoints; `round` moves the second one. */
const cluster = (index: number): JsonObject => ({
  name: `cluster-${index}`,
  type: 'EDS',
  connect_timeout: '1s',
  eds_cluster_config: {
    eds_config: { ads: {}, resource_api_version: 'V3' },
    service_name: `namespace/service-${index}`,
  },
  outlier_detection: { consecutive_5xx: 3 },
});
const assignment = (index: number, round = 0): JsonObject => ({
  cluster_name: `namespace/service-${index}`,
  endpoints: [
    {
      lb_endpoints: [1, 2 + (round % 200)].map((last) => ({
        endpoint: {
          address: {
            socket_address: { address: `10.${index >> 8}.${index & 255}.${last}`, port_value: 8080 },
          },
        },
      })),
    },
  ],
});

interface Plane {
  readonly port: number;
  /** Milliseconds from sending the clusters to the acknowledgement of the endpoints. */
  readonly all: Promise<number>;
  change(round: number): Promise<number>;
  close(): void;
}

async function startPlane(form: Form): Promise<Plane> {
  const clusters = Array.from({ length: CLUSTERS }, (_, index) =>
    resource(form, typeUrl.cluster, cluster(index), index),
  );
  const endpoints = Array.from({ length: CLUSTERS }, (_, index) =>
    resource(form, typeUrl.endpoint, assignment(index), index),
  );
  const waiting = new Map<string, () => void>();
  let nonces = 0;
  let write: (message: GrpcMessage) => void = () => undefined;

  /** Sends a response; resolves with the milliseconds until its acknowledgement. */
  function send(url: string, resources: readonly GrpcMessage[]): Promise<number> {
    const nonce = String(++nonces);
    const start = performance.now();
    const version = form === 'sotw' ? { version_info: nonce } : { system_version_info: nonce };
    write({ type_url: url, nonce, resources, ...version });
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`no acknowledgement of ${url}`)), LIMIT_MS);
      waiting.set(nonce, () => {
        clearTimeout(limit);
        resolve(performance.now() - start);
      });
    });
  }

  let begin: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let subscribe: () => void = () => undefined;
  const subscribed = new Promise<void>((resolve) => {
    subscribe = resolve;
  });
  const serve = (call: NodeJS.EventEmitter & { write(message: GrpcMessage): boolean }): void => {
    write = (message) => call.write(message);
    call.on('error', () => undefined);
    call.on('data', (request: GrpcMessage) => {
      if (request['error_detail']) throw new Error(JSON.stringify(request['error_detail']).slice(0, 500));
      const done = waiting.get(String(request['response_nonce']));
      waiting.delete(String(request['response_nonce']));
      done?.();
      if (request['type_url'] === typeUrl.cluster) begin();
      else if (request['type_url'] === typeUrl.endpoint) subscribe();
    });
  };
  const server = new grpc.Server();
  server.addService(grpcService(serviceName.aggregatedDiscovery), {
    StreamAggregatedResources: serve,
    DeltaAggregatedResources: serve,
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const all = started.then(async () => {
    const start = performance.now();
    const accepted = send(typeUrl.cluster, clusters);
    await subscribed;
    await Promise.all([accepted, send(typeUrl.endpoint, endpoints)]);
    return performance.now() - start;
  });
  return {
    port,
    all,
    change: async (round) => {
      const index = (round * 131) % CLUSTERS;
      return send(typeUrl.endpoint, [resource(form, typeUrl.endpoint, assignment(index, round + 1), round + 1)]);
    },
    close: () => server.forceShutdown(),
  };
}

function resource(form: Form, url: string, json: JsonObject, version: number): GrpcMessage {
  const any = { type_url: url, value: Buffer.from(encodeResource(url, json)) };
  const name = String(json['cluster_name'] ?? json['name']);
  return form === 'sotw' ? any : { name, version: String(version), resource: any };
}
