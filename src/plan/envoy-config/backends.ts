import { objectAt, textAt } from '../envoy-json.ts';
import type { JsonObject } from '../node-plan.ts';
import type { Backend, PlannedService } from '../services.ts';

/** The Service and port behind an endpoint resource's name: `namespace/name`, `namespace/name:*` or `namespace/name:PORT`. */
export interface BackendName {
  readonly service: string;
  /** Absent: every port. A number of the Service's, or a port's name. */
  readonly port?: string;
}

const backendName = /^([^/:]+\/[^/:]+)(?::([^/:]+))?$/;

export function parseBackendName(name: string): BackendName | undefined {
  const [, service, port] = backendName.exec(name) ?? [];
  if (service === undefined) return undefined;
  return { service, ...(port !== undefined && port !== '*' && { port }) };
}

/** The name of the endpoint resource that a cluster asks the agent for; undefined when it asks for none. */
export function endpointNameOf(cluster: JsonObject): string | undefined {
  const config = objectAt(cluster, 'eds_cluster_config');
  if (cluster['type'] !== 'EDS' || !objectAt(objectAt(config, 'eds_config'), 'ads')) return undefined;
  return textAt(config, 'service_name') || textAt(cluster, 'name');
}

/** The TCP ports of a Service that the name means; undefined when it has none such. */
export function matchingPorts(service: PlannedService, port: string | undefined): PlannedService['ports'] | undefined {
  const tcp = service.ports.filter(({ protocol }) => protocol === 'tcp');
  if (port === undefined) return tcp;
  const matching = tcp.filter(({ name, number }) => name === port || String(number) === port);
  return matching.length === 0 ? undefined : matching;
}

/** The backends of a Service as a `ClusterLoadAssignment`; empty when the Service is gone or has none. */
export function loadAssignment(
  name: string,
  service: PlannedService | undefined,
  port: string | undefined,
): JsonObject {
  const ports = service ? (matchingPorts(service, port) ?? []) : [];
  const backends = new Map<string, Backend>();
  for (const backend of ports.flatMap((each) => each.backends)) {
    backends.set(`${backend.address}:${backend.port}`, backend);
  }
  const hosts = [...backends.values()].map(({ address, port: number }) => ({
    endpoint: { address: { socket_address: { address, port_value: number } } },
  }));
  return { cluster_name: name, endpoints: hosts.length === 0 ? [] : [{ lb_endpoints: hosts }] };
}
