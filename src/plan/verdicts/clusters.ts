import type { NodePlan } from '../node-plan.ts';
import type { Backend } from '../services.ts';
import { list, record } from './json.ts';

/** The hosts of a planned cluster that gets its endpoints by discovery; none for any other. */
export function clusterBackends(plan: NodePlan, cluster: string): readonly Backend[] {
  const service = record(plan.xds.clusters.get(cluster)?.['eds_cluster_config'])['service_name'];
  const assignment = plan.xds.endpoints.get(typeof service === 'string' && service !== '' ? service : cluster);
  return list(assignment?.['endpoints']).flatMap((locality) =>
    list(locality['lb_endpoints']).map((host) => {
      const socket = record(record(record(host['endpoint'])['address'])['socket_address']);
      return { address: String(socket['address']), port: Number(socket['port_value']) };
    }),
  );
}
