import type {
  DaemonSetSpec,
  DaemonSetStatus,
  DeploymentCondition,
  DeploymentSpec,
  DeploymentStatus,
  ReplicaSetSpec,
  ReplicaSetStatus,
} from 'kubernetes-types/apps/v1.d.ts';
import type {
  EndpointSubset,
  NamespaceSpec,
  NamespaceStatus,
  NodeSpec,
  NodeStatus,
  PodSpec,
  PodStatus,
  ServiceSpec,
} from 'kubernetes-types/core/v1.d.ts';
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.d.ts';
import type { KubernetesObject } from '../store.ts';

export type { DeploymentCondition };

export interface Pod extends KubernetesObject {
  spec: PodSpec;
  status?: PodStatus;
}

export interface Node extends KubernetesObject {
  spec?: NodeSpec;
  status?: NodeStatus;
}

export interface Namespace extends KubernetesObject {
  spec?: NamespaceSpec;
  status?: NamespaceStatus;
}

export interface Deployment extends KubernetesObject {
  spec: DeploymentSpec;
  status?: DeploymentStatus;
}

export interface ReplicaSet extends KubernetesObject {
  spec: ReplicaSetSpec;
  status?: ReplicaSetStatus;
}

export interface DaemonSet extends KubernetesObject {
  spec: DaemonSetSpec;
  status?: DaemonSetStatus;
}

export interface Service extends KubernetesObject {
  spec: ServiceSpec;
}

export interface EndpointSlice extends KubernetesObject {
  addressType: string;
  endpoints: Endpoint[];
  ports: EndpointPort[];
}

export interface Endpoints extends KubernetesObject {
  subsets?: EndpointSubset[];
}

/** One kind that the API server serves; `resource` is the store's name for it (`replicasets.apps`). */
export interface ResourceType {
  readonly resource: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
}
