import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fail, formatIssue, type Issue, type Logger, ok, type Result } from '../base/index.ts';
import {
  createRotatingFile,
  type Exporter,
  type ExporterSettings,
  type LineSink,
  type Observer,
  readFlowLogs,
  readStaticExporter,
  standardOutput,
  startExporter,
} from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import { below } from './node-files.ts';

export interface ExportersOptions {
  readonly observer: Observer;
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Stands for the root of the node's files: what users call `/var/run/cilium/hubble/events.log` is below it. */
  readonly nodeFiles: string;
  readonly log: Logger;
}

export interface Exporters {
  /** Takes over what the ConfigMaps say now; does nothing when they are the same as before. A file is looked at from time to time. */
  update(): Promise<void>;
  stop(): Promise<void>;
}

/** As often as Cilium looks at the file of its dynamic exporters. */
const pollMs = 5_000;
/** Where Cilium's agent has the ConfigMap `cilium-flowlog-config` mounted. */
const mounted = '/flowlog-config/';

/**
 * Hubble's exporters of one node: the static one of `cilium-config` and those of `hubble-flowlogs-config-path`, which is a key of the ConfigMap
 * `cilium-flowlog-config` as `/flowlog-config/flowlogs.yaml`, or a file of the node. What is not understood is logged with its place, and what was in force stays.
 */
export function createExporters({ observer, configMap, nodeFiles, log }: ExportersOptions): Exporters {
  const running = new Map<string, { readonly settings: string; readonly exporter: Exporter }>();
  let inForce: Wanted = { static: [], dynamic: [] };
  let told = '';
  let queue: Promise<void> = Promise.resolve();

  const refuse = (issues: readonly Issue[]): void => {
    const text = issues.map(formatIssue).join('; ');
    if (text !== told) log.error({ issues: issues.map(formatIssue) }, 'Hubble exporters are not changed');
    told = text;
  };
  const update = async (): Promise<void> => {
    const wanted = await readWanted(configMap, nodeFiles, inForce);
    if (!wanted.ok) return refuse(wanted.error);
    told = '';
    inForce = wanted.value;
    const all = [...wanted.value.static, ...wanted.value.dynamic];
    const next = new Map(all.map((settings) => [settings.name, settings]));
    for (const [name, { settings, exporter }] of running) {
      const now = next.get(name);
      if (now && JSON.stringify(now) === settings) continue;
      running.delete(name);
      await exporter.stop();
      log.info({ exporter: name }, 'Hubble exporter ended');
    }
    for (const [name, settings] of next) {
      const exporter = running.has(name) ? undefined : start(settings);
      if (exporter) running.set(name, { settings: JSON.stringify(settings), exporter });
    }
  };
  const start = (settings: ExporterSettings): Exporter | undefined => {
    const { name, endMs } = settings;
    if (endMs !== undefined && Date.now() >= endMs) return undefined;
    const reader = observer.exportLines(settings);
    if (!reader.ok) {
      log.error({ exporter: name, error: reader.error }, 'Hubble exporter cannot be started');
      return undefined;
    }
    log.info({ exporter: name, file: settings.filePath }, 'Hubble exporter started');
    const onState = (failure: Error | undefined): void => {
      if (failure) log.error({ exporter: name, error: failure.message }, 'flows cannot be exported and are lost');
      else log.info({ exporter: name }, 'flows are exported again');
    };
    const sink = sinkOf(settings, nodeFiles, (error) =>
      log.warn({ exporter: name, error: error.message }, 'rotated file'),
    );
    return startExporter({ reader: reader.value, sink, nodeName: observer.nodeName, endMs, now: Date.now, onState });
  };
  const queued = (): Promise<void> => {
    queue = queue.then(update).catch((error: Error) => log.error({ error: error.message }, 'Hubble exporters'));
    return queue;
  };
  const timer = setInterval(() => void queued(), pollMs).unref();
  let seen: readonly (ConfigMap | undefined)[] = [];
  const updateChanged = (): Promise<void> => {
    const maps = ['cilium-config', 'cilium-flowlog-config'].map(configMap);
    if (maps.every((map, index) => map === seen[index])) return queue;
    seen = maps;
    return queued();
  };
  return {
    update: updateChanged,
    stop: async () => {
      clearInterval(timer);
      await queue;
      await Promise.all([...running.values()].map(({ exporter }) => exporter.stop()));
    },
  };
}

interface Wanted {
  readonly static: readonly ExporterSettings[];
  readonly dynamic: readonly ExporterSettings[];
}

async function readWanted(
  configMap: ExportersOptions['configMap'],
  nodeFiles: string,
  { dynamic: before }: Wanted,
): Promise<Result<Wanted, readonly Issue[]>> {
  const data = configMap('cilium-config')?.data ?? {};
  const fixed = readStaticExporter(data);
  if (!fixed.ok) return fixed;
  const file = data['hubble-flowlogs-config-path'] ?? '';
  const text = file === '' ? '' : await readConfig(file, configMap, nodeFiles);
  if (text === undefined) {
    const issue = { path: `hubble-flowlogs-config-path: ${file}`, message: 'is not there' };
    return before.length === 0 && !fixed.value ? fail([issue]) : ok({ static: listOf(fixed.value), dynamic: before });
  }
  const dynamic = readFlowLogsText(text, file);
  if (!dynamic.ok) return dynamic;
  const clash = dynamic.value.find((one) => one.filePath === fixed.value?.filePath && one.filePath !== standardOutput);
  if (clash) return fail([{ path: file, message: `${clash.name} has the file of hubble-export-file-path` }]);
  const named = dynamic.value.map((one) => ({ ...one, name: `${file}: ${one.name}` }));
  return ok({ static: listOf(fixed.value), dynamic: named });
}

function listOf(settings: ExporterSettings | undefined): readonly ExporterSettings[] {
  return settings ? [settings] : [];
}

async function readConfig(
  file: string,
  configMap: ExportersOptions['configMap'],
  nodeFiles: string,
): Promise<string | undefined> {
  if (file.startsWith(mounted)) return configMap('cilium-flowlog-config')?.data?.[file.slice(mounted.length)];
  return readFile(below(nodeFiles, file), 'utf8').catch(() => undefined);
}

function readFlowLogsText(text: string, file: string): Result<readonly ExporterSettings[], Issue[]> {
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return fail([{ path: file, message: (error as Error).message }]);
  }
  const read = readFlowLogs(document);
  return read.ok ? read : fail(read.error.map((issue) => ({ ...issue, path: `${file}: ${issue.path}` })));
}

function sinkOf(settings: ExporterSettings, nodeFiles: string, onError: (error: Error) => void): LineSink {
  if (settings.filePath === standardOutput) return standardOutputSink;
  const { maxSizeBytes, maxBackups, compress } = settings;
  const file = below(nodeFiles, settings.filePath);
  return createRotatingFile({ file, maxSizeBytes, maxBackups, compress, now: Date.now, onError });
}

const standardOutputSink: LineSink = {
  append: (lines) =>
    new Promise((resolve, reject) => {
      process.stdout.write(`${lines.join('\n')}\n`, (error) => (error ? reject(error) : resolve()));
    }),
  close: async () => {},
};
