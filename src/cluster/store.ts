/** A Kubernetes object as JSON; everything beyond type and metadata is the kind's own. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface StoreEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

/**
 * The API server's storage as its own process sees it: what controllers and the node runtime use instead of HTTP.
 * `resource` is the plural with its group as kubectl names it: `pods`, `deployments.apps`, `endpointslices.discovery.k8s.io`.
 * Objects that come out are never changed in place. Failures throw `StatusError` with a Kubernetes Status.
 */
export interface ObjectStore {
  get<T extends KubernetesObject>(resource: string, namespace: string | undefined, name: string): T | undefined;
  list<T extends KubernetesObject>(resource: string, namespace?: string): readonly T[];
  /** Defaults and validates as a POST does. */
  create<T extends KubernetesObject>(resource: string, object: T): T;
  /** Replaces an object; 409 when `metadata.resourceVersion` is set and stale. `subresource: 'status'` changes the status only. */
  update<T extends KubernetesObject>(resource: string, object: T, options?: { readonly subresource?: 'status' }): T;
  /** Two-phase as in Kubernetes: with finalizers, or for a pod with a grace period, it only sets `deletionTimestamp`. */
  delete(resource: string, namespace: string | undefined, name: string, options?: DeleteOptions): void;
  /** Calls `listener` for every present object as ADDED, synchronously, then for each change, in order. Returns the unsubscribe. */
  watch<T extends KubernetesObject>(resource: string, listener: (event: StoreEvent<T>) => void): () => void;
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}
