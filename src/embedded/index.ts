export { type ClusterHome, clusterHome } from './home.ts';
export { type LaunchOptions, launchCluster, type RunningCluster } from './launch.ts';
export { type ClusterRecord, isRunning, readRecord } from './record.ts';
export { agentApiSocketFrom } from './sockets.ts';
export { stopCluster } from './stop.ts';
export { readUplinkStatus, type UplinkStatus } from './uplink-status.ts';
