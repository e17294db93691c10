export { hubbleCommand } from './command.ts';
