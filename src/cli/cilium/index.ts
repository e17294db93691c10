export { ciliumCommand } from './command.ts';
