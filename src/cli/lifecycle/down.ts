import { clusterHome, stopCluster } from '../../embedded/index.ts';
import type { Command } from '../io.ts';

export const downCommand: Command = async (argv, io) => {
  if (argv.length > 0) {
    const asked = argv[0] === '--help';
    (asked ? io.stdout : io.stderr).write(
      'Usage: ciliate down\nStops the cluster of CILIATE_HOME; its state stays for the next start.\n',
    );
    return asked ? 0 : 2;
  }
  const home = clusterHome(io.environment);
  const wasRunning = await stopCluster(home);
  io.stdout.write(wasRunning ? 'The cluster has stopped.\n' : `No cluster runs in ${home.directory}.\n`);
  return 0;
};
