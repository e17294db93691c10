import { openSync, writeFileSync, writeSync } from 'node:fs';
import { formatIssue, type Issue, type Logger } from '../../base/index.ts';
import { forgetDefinitions } from '../../model/envoy/index.ts';
import { createLogs, type Logs } from '../log/logs.ts';
import { BootstrapError, checkBootstrap, type RunningProxy, startProxy } from '../proxy.ts';
import type { CommandLine } from './line.ts';
import { keepMemorySmall } from './memory.ts';
import { type ConfigSource, type ConfigText, readConfig, readConfigFile } from './source.ts';

const LONGEST_TIMER_MS = 0x7fff_ffff;

/** Does what the command line says; gives the exit code, or undefined while the proxy runs. */
export async function run(line: CommandLine): Promise<number | undefined> {
  const source = await readSource(line);
  if (Array.isArray(source)) return complain(source);
  const { json, locate } = source as ConfigSource;
  const logs = openLogs(line);
  if (line.mode === 'validate') {
    const { adminAnyAddress, filterModules } = line;
    const issues = await checkBootstrap({
      bootstrap: json,
      logs,
      identity: identityOf(line),
      adminAnyAddress,
      filterModules,
    });
    if (issues.length > 0) return complain(issues.map(locate));
    process.stdout.write(`configuration '${line.configPath ?? ''}' OK\n`);
    return 0;
  }
  try {
    const proxy = await startProxy({
      bootstrap: json,
      logs,
      identity: identityOf(line),
      concurrency: line.concurrency,
      logFlushMs: line.fileFlushInterval,
      drain: { timeMs: line.drainTime, strategy: line.drainStrategy },
      adminAnyAddress: line.adminAnyAddress,
      filterModules: line.filterModules,
      hotRestart: line.hotRestart,
      commandLine: line,
    });
    // What is static has been read, and without a control plane nothing else will come.
    if (!proxy.discovers) forgetDefinitions();
    serve(proxy, line, logs.get('main'));
    keepMemorySmall();
    return undefined;
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    return complain(error.issues.map(locate));
  }
}

async function readSource({ configPath, configYaml }: CommandLine): Promise<ConfigSource | readonly Issue[]> {
  const texts: ConfigText[] = [];
  if (configPath !== undefined) {
    const file = await readConfigFile(configPath);
    if (!file.ok) return [file.error];
    texts.push(file.value);
  }
  if (configYaml !== undefined) texts.push({ name: '--config-yaml', text: configYaml });
  const source = readConfig(texts);
  return source.ok ? source.value : [source.error];
}

function identityOf({ serviceNode, serviceCluster, serviceZone }: CommandLine): {
  readonly id: string;
  readonly cluster: string;
  readonly zone: string;
} {
  return { id: serviceNode, cluster: serviceCluster, zone: serviceZone };
}

function openLogs({ logLevel, componentLevels, logPath }: CommandLine): Logs {
  const fd = logPath === undefined ? undefined : openSync(logPath, 'a');
  const logs = fd === undefined ? createLogs(logLevel) : createLogs(logLevel, (line) => writeSync(fd, line));
  for (const [component, level] of componentLevels) logs.set(component, level);
  return logs;
}

function complain(issues: readonly Issue[]): number {
  for (const issue of issues) process.stderr.write(`ciliate-proxy: ${formatIssue(issue)}\n`);
  return 1;
}

function serve(proxy: RunningProxy, line: CommandLine, log: Logger): void {
  // Without a listener, and with the address of the admin interface lent to a successor, nothing else keeps the process.
  setInterval(() => undefined, LONGEST_TIMER_MS);
  if (line.adminAddressPath !== undefined && proxy.adminAddress !== undefined) {
    writeFileSync(line.adminAddressPath, proxy.adminAddress);
  }
  void proxy.live().then(() => log.info({ admin: proxy.adminAddress }, 'ciliate-proxy is live'));
  let stopping = false;
  const stop = (signal: string): void => {
    log.warn(stopping ? `caught ${signal} again, ending` : `caught ${signal}, draining`);
    if (stopping) process.exit(1);
    stopping = true;
    void proxy.stop(line.drainTime).then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
}
