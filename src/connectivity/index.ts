export { type CommandResult, type Edges, RunFault } from './edges.ts';
export { defaultExternal } from './manifests.ts';
export type { ActionRecord, Outcome } from './report.ts';
export { type ConnectivityOptions, runConnectivityTest } from './run.ts';
