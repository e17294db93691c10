import type { JsonObject } from '../../src/model/envoy/index.ts';
import { baseOf } from './sample.ts';
import { createSubject } from './subject.ts';
import { requiredType, type Walk, walkResource } from './walk.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const address: JsonObject = { socket_address: { address: '127.0.0.1', port_value: 10_000 } };
const manager: JsonObject = {
  name: 'manager',
  typed_config: { '@type': `type.googleapis.com/${HCM}`, ...baseOf(requiredType(HCM)) },
};

/** Resources that are taken, each in a small form that is accepted. */
const RESOURCES: Readonly<Record<string, JsonObject>> = {
  'envoy.config.bootstrap.v3.Bootstrap': { node: { id: 'node', cluster: 'cluster' } },
  'envoy.config.listener.v3.Listener': { name: 'l', address, filter_chains: [{ filters: [manager] }] },
  'envoy.config.route.v3.RouteConfiguration': { name: 'r' },
  'envoy.config.cluster.v3.Cluster': { name: 'c', load_assignment: { cluster_name: 'c' } },
  'envoy.config.endpoint.v3.ClusterLoadAssignment': { cluster_name: 'e' },
};

/** Walks all resources. */
export async function walkAll(): Promise<Walk> {
  const subject = createSubject();
  const walk: Walk = { fates: new Map(), places: new Map() };
  try {
    for (const [name, base] of Object.entries(RESOURCES)) {
      const read = subject.read[name];
      if (!read) throw new Error(`nobody reads ${name}`);
      const issues = read(base);
      if (issues.length > 0) throw new Error(`${name} is refused in its smallest form: ${JSON.stringify(issues)}`);
      walkResource(name, read, base, walk);
    }
  } finally {
    await subject.stop();
  }
  return walk;
}
