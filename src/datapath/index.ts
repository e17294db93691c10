export type { Ruleset } from './compile.ts';
export { trackedConnections } from './connections.ts';
export { type ApplyStats, createDatapath, type Datapath, type DatapathOptions } from './datapath.ts';
