import { clusterHome, isRunning, readRecord } from '../../embedded/index.ts';
import type { Command } from '../io.ts';

export const statusCommand: Command = async (_argv, io) => {
  const home = clusterHome(io.environment);
  const record = readRecord(home);
  if (!record || !isRunning(record)) {
    io.stdout.write(`No cluster runs in ${home.directory}.\n`);
    return 1;
  }
  return 0;
};
