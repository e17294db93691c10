export { walkthroughCommand } from './command.ts';
