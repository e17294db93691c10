export { hubbleCommand } from './command.ts';
export { readFilterText } from './observe/filter-text.ts';
export { readRecording } from './observe/recording.ts';
export { serverOf } from './tls.ts';
