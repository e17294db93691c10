import { writeSync } from 'node:fs';
import { prepareLoading } from '../loading/index.ts';
import type { ClusterHome } from './home.ts';
import type { LaunchOptions } from './launch.ts';
import type { UplinkPlan } from './uplink-plan.ts';

prepareLoading();
const { createLogger } = await import('../base/index.ts');
const { startCluster } = await import('./cluster.ts');

/** The descriptor on which the launcher waits for `ready` or `failed: why`. */
const controlDescriptor = 5;

const log = createLogger('cluster');
const { home, options, uplink } = JSON.parse(process.argv[2] ?? '') as {
  home: ClusterHome;
  options: LaunchOptions;
  uplink: UplinkPlan;
};

function tellLauncher(text: string): void {
  try {
    writeSync(controlDescriptor, `${text}\n`);
  } catch (error) {
    log.warn({ error: String(error) }, 'the launcher has gone');
  }
}

process.on('unhandledRejection', (reason) => {
  log.fatal({ error: reason instanceof Error ? reason.stack : String(reason) }, 'unhandled rejection');
  process.exit(1);
});

try {
  const cluster = await startCluster(home, { ...options, uplinkPlan: uplink }, log);
  process.once('SIGTERM', () => {
    void cluster.stop().finally(() => process.exit(0));
  });
  await cluster.ready;
  tellLauncher('ready');
} catch (error) {
  log.fatal({ error: error instanceof Error ? error.stack : String(error) }, 'the cluster could not be started');
  tellLauncher(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
