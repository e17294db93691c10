export { hubbleCommand } from './command.ts';
export { readRecording } from './observe/recording.ts';
export { serverOf } from './tls.ts';
