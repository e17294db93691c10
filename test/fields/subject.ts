import { createLogger, type Issue } from '../../src/base/index.ts';
import type { JsonObject } from '../../src/model/envoy/index.ts';
import { readDecoded } from '../../src/proxy/config/bootstrap.ts';
import { DEFAULT_DRAIN } from '../../src/proxy/listener/drain.ts';
import { singleLogger } from '../../src/proxy/log/logs.ts';
import { adminRuntime } from '../../src/proxy/runtime/read.ts';
import { createEngine } from '../../src/proxy/worker/engine.ts';

/** Reads a resource as the proxy does when it arrives; gives what is wrong with it. */
export type Read = (json: JsonObject) => readonly Issue[];

/** The data path of a proxy that reads resources and binds nothing. */
export function createSubject(): { readonly read: Readonly<Record<string, Read>>; stop(): Promise<void> } {
  const log = createLogger('fields');
  log.level = 'silent';
  const engine = createEngine({
    worker: 0,
    workers: 1,
    node: { id: 'node', cluster: 'cluster' },
    bindConfig: undefined,
    runtime: adminRuntime(),
    logs: singleLogger(log),
    drain: DEFAULT_DRAIN,
    logFlushMs: undefined,
    moduleFolders: [],
    fixedSecrets: [],
    ticketSeed: Buffer.alloc(48),
    logSink: { refuses: () => true, push: () => undefined },
  });
  const { clusters } = engine;
  clusters.put({ name: 'x', load_assignment: { cluster_name: 'x' } }, true);
  return {
    read: {
      'envoy.config.bootstrap.v3.Bootstrap': (json) => {
        const result = readDecoded(json);
        return result.ok ? [] : result.error;
      },
      'envoy.config.listener.v3.Listener': (json) => engine.listeners.check(json),
      'envoy.config.route.v3.RouteConfiguration': (json) => engine.routes.put(json),
      'envoy.config.cluster.v3.Cluster': (json) => {
        const result = clusters.put(json);
        clusters.remove('c');
        return result.ok ? [] : result.error;
      },
      'envoy.config.endpoint.v3.ClusterLoadAssignment': (json) => {
        const result = clusters.putAssignment(json);
        return result.ok ? [] : result.error;
      },
    },
    stop: () => engine.stop(0),
  };
}
