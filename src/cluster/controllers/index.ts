export { type Clock, systemClock } from './clock.ts';
export type { ResourceType } from './kinds.ts';
export { type Controllers, type ControllersOptions, startControllers } from './start.ts';
