export { kubectlCommand } from './command.ts';
