import type { KubernetesObject } from '../../store.ts';
import type { Column } from '../registry/definition.ts';
import {
  CONFIG_MAP_COLUMNS,
  EVENT_COLUMNS,
  LEASE_COLUMNS,
  NAMESPACE_COLUMNS,
  NODE_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
} from './cluster.ts';
import { column, DEFAULT_COLUMNS, NAME } from './columns.ts';
import {
  ENDPOINT_SLICE_COLUMNS,
  ENDPOINTS_COLUMNS,
  INGRESS_CLASS_COLUMNS,
  INGRESS_COLUMNS,
  NETWORK_POLICY_COLUMNS,
  SERVICE_COLUMNS,
} from './network.ts';
import { POD_COLUMNS } from './pods.ts';
import { DAEMON_SET_COLUMNS, DEPLOYMENT_COLUMNS, REPLICA_SET_COLUMNS } from './workloads.ts';

const CRD_COLUMNS: readonly Column[] = [
  NAME,
  column('Created At', (object: KubernetesObject) => object.metadata.creationTimestamp ?? '', { type: 'date' }),
];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  pods: POD_COLUMNS,
  services: SERVICE_COLUMNS,
  endpoints: ENDPOINTS_COLUMNS,
  configmaps: CONFIG_MAP_COLUMNS,
  secrets: SECRET_COLUMNS,
  serviceaccounts: SERVICE_ACCOUNT_COLUMNS,
  namespaces: NAMESPACE_COLUMNS,
  nodes: NODE_COLUMNS,
  events: EVENT_COLUMNS,
  'events.events.k8s.io': EVENT_COLUMNS,
  'deployments.apps': DEPLOYMENT_COLUMNS,
  'replicasets.apps': REPLICA_SET_COLUMNS,
  'daemonsets.apps': DAEMON_SET_COLUMNS,
  'endpointslices.discovery.k8s.io': ENDPOINT_SLICE_COLUMNS,
  'networkpolicies.networking.k8s.io': NETWORK_POLICY_COLUMNS,
  'ingresses.networking.k8s.io': INGRESS_COLUMNS,
  'ingressclasses.networking.k8s.io': INGRESS_CLASS_COLUMNS,
  'leases.coordination.k8s.io': LEASE_COLUMNS,
  'customresourcedefinitions.apiextensions.k8s.io': CRD_COLUMNS,
};

/** Table columns of a built-in resource by its key. */
export function printerColumns(key: string): readonly Column[] {
  return COLUMNS[key] ?? DEFAULT_COLUMNS;
}
