import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { createLogger, formatIssue } from '../base/index.ts';
import { BootstrapError, startProxy } from './proxy.ts';

/** `ciliate-proxy -c bootstrap.yaml`: runs until SIGTERM or SIGINT, then drains. Exit 1 when it cannot start. */
async function main(): Promise<void> {
  const at = process.argv.findIndex((argument) => argument === '-c' || argument === '--config-path');
  const path = at < 0 ? undefined : process.argv[at + 1];
  if (path === undefined) {
    process.stderr.write('usage: ciliate-proxy -c BOOTSTRAP.yaml\n');
    process.exitCode = 1;
    return;
  }
  const log = createLogger('proxy');
  const bootstrap: unknown = parse(await readFile(path, 'utf8'));
  const flushAt = process.argv.indexOf('--file-flush-interval-msec');
  const logFlushMs = flushAt < 0 ? undefined : Number(process.argv[flushAt + 1]);
  const concurrencyAt = process.argv.indexOf('--concurrency');
  const concurrency = concurrencyAt < 0 ? 1 : Number(process.argv[concurrencyAt + 1]);
  const proxy = await startProxy({ bootstrap, log, concurrency, ...(logFlushMs === undefined ? {} : { logFlushMs }) });
  log.info({ admin: proxy.adminAddress }, 'ciliate-proxy is live');
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    void proxy.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  const lines = error instanceof BootstrapError ? error.issues.map(formatIssue) : [String(error)];
  for (const line of lines) process.stderr.write(`ciliate-proxy: ${line}\n`);
  process.exitCode = 1;
});
