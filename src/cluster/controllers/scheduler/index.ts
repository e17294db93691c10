export { matchesNodeSelection, untolerated } from './nodes.ts';
export { scheduler } from './scheduler.ts';
