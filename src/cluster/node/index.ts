export type { NodeAddresses } from './addresses.ts';
export { createFabric, type Fabric, type FabricOptions } from './fabric.ts';
export { ipBatch } from './ip-batch.ts';
export { type RunningNodes, type StartNodesOptions, startNodes } from './start-nodes.ts';
export { worldAddresses } from './world-host.ts';
