export { followRequest } from './follow/follow.ts';
export { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
