export type { ContainerReference, ExecSession, LogOptions, NodeRuntime } from './runtime.ts';
export type { DeleteOptions, KubernetesObject, ObjectMeta, ObjectStore, OwnerReference, StoreEvent } from './store.ts';
