import { prepareLoading } from '../loading/index.ts';
import type { AgentOptions } from './agent.ts';

prepareLoading();
const { createLogger } = await import('../base/index.ts');
const { startAgent } = await import('./agent.ts');

const log = createLogger('agent');
const options = JSON.parse(process.argv[2] ?? '') as Omit<AgentOptions, 'log'>;

process.on('unhandledRejection', (reason) => {
  log.fatal({ error: reason instanceof Error ? reason.stack : String(reason) }, 'unhandled rejection');
  process.exit(1);
});

try {
  const agent = await startAgent({ ...options, log });
  log.info({ node: options.nodeName, milliseconds: Math.round(performance.now()) }, 'the first plan is in force');
  process.once('SIGTERM', () => {
    void agent.stop().finally(() => process.exit(0));
  });
} catch (error) {
  log.fatal({ error: error instanceof Error ? error.message : String(error) }, 'the agent could not be started');
  process.exit(1);
}
