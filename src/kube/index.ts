export type { ClusterAccess, Credentials } from './access.ts';
export { type ApiError, formatApiError, type Status } from './api-error.ts';
export {
  type CallOptions,
  createClient,
  type DeleteCallOptions,
  type KubeClient,
  type ListOptions,
  type ObjectList,
  type PatchOptions,
} from './client.ts';
export { type EventOptions, type EventSubject, recordEvent } from './events.ts';
export { type CommandOutput, type ExecOptions, type ExecSession, execInPod, runInPod } from './exec.ts';
export type { HttpRequest, Query } from './http.ts';
export {
  type Informer,
  type InformerChange,
  type InformerOptions,
  startInformer,
  type WatchedObject,
} from './informer.ts';
export { loadKubeConfig } from './kubeconfig.ts';
export { type LogsOptions, streamLogs } from './logs.ts';
export { type ResourcePath, urlPath } from './paths.ts';
export { connectToPod, type PodPort } from './port-forward.ts';
export { type WatchEvent, watchEvents } from './watch.ts';
