export { type NodeAddresses, nodeAddresses, nodesMax, podMtu } from './addresses.ts';
export { createFabric, type Fabric, type FabricOptions } from './fabric.ts';
export { type RunningNodes, type StartNodesOptions, startNodes } from './start-nodes.ts';
