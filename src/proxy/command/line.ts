import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { fail, ok, type Result } from '../../base/index.ts';
import { nearestNames } from '../../model/envoy/index.ts';
import { COMPONENTS, LEVELS, type Level, levelOf } from '../log/levels.ts';
import type { HotRestartOptions } from '../restart/restart.ts';

/** What the command line says; times in milliseconds. */
export interface CommandLine {
  readonly configPath: string | undefined;
  readonly configYaml: string | undefined;
  readonly mode: 'serve' | 'validate';
  readonly concurrency: number;
  readonly baseId: number;
  readonly logLevel: Level;
  readonly componentLogLevel: string;
  readonly componentLevels: ReadonlyMap<string, Level>;
  readonly logPath: string | undefined;
  readonly drainTime: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly parentShutdownTime: number;
  /** Undefined unless a flag asks for it. */
  readonly hotRestart: HotRestartOptions | undefined;
  readonly fileFlushInterval: number;
  readonly fileFlushMinBytes: number;
  readonly serviceNode: string;
  readonly serviceCluster: string;
  readonly serviceZone: string;
  readonly adminAddressPath: string | undefined;
  readonly adminAnyAddress: boolean;
  /** Absolute paths. */
  readonly filterModules: readonly string[];
}

/** A command line that leads to text and an end instead. */
export interface Ending {
  readonly text: string;
  readonly exitCode: number;
}

/** Flags of Envoy that have no meaning here and change nothing. */
const WITHOUT_EFFECT = ['--skip-deprecated-logs', '--reject-unknown-dynamic-fields'];

/** Flags of Envoy that would change what the proxy does and are not built; refused by name. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['--allow-unknown-fields', 'unknown fields are always refused'],
  ['--allow-unknown-static-fields', 'unknown fields are always refused'],
  ['--ignore-unknown-dynamic-fields', 'unknown fields are always refused'],
  ['--socket-path <path>', 'processes meet in a folder of the user alone'],
  ['--socket-mode <mode>', 'processes meet in a folder of the user alone'],
  ['--hot-restart-version', 'the admin interface tells it'],
  ['--cpuset-threads', 'use --concurrency'],
  ['--log-format <format>', 'the format of the log is fixed'],
  ['--log-format-escaped', 'the format of the log is fixed'],
  ['--log-stacktrace-single-entry', 'the format of the log is fixed'],
  ['--enable-fine-grain-logging', 'levels are set by component'],
  ['--enable-mutex-tracing', 'there are no locks to trace'],
  ['--enable-core-dump', 'core dumps are the business of ulimit'],
  ['--disable-extensions <names>', 'extensions are refused where a configuration names them'],
  ['--local-address-ip-version <version>', 'it is always v4'],
  ['--stats-tag <tag>', 'use stats_config.stats_tags of the bootstrap'],
];

/** Reads the arguments after the program's name. `version` is what `--version` shows. */
export function parseCommandLine(argv: readonly string[], version: string): Result<CommandLine, Ending> {
  const output: string[] = [];
  const command = createCommand(version, (text) => output.push(text));
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const text = output.join('');
    const more = error.code === 'commander.unknownOption' ? knownOptions(command) : '';
    return fail({ text: text + more, exitCode: error.exitCode });
  }
  const options = command.opts<Options>();
  const refused = REFUSED.find(([flags]) => options[attributeOf(flags)] !== undefined);
  if (refused) {
    const [flag = ''] = refused[0].split(' ');
    return fail({
      text: `error: ${flag} is known to Envoy but not supported by ciliate-proxy: ${refused[1]}\n`,
      exitCode: 1,
    });
  }
  if (options.configPath === undefined && options.configYaml === undefined) {
    return fail({ text: 'error: one of --config-path and --config-yaml is needed\n', exitCode: 1 });
  }
  return ok({
    ...options,
    componentLogLevel: options.componentLogLevel.text,
    componentLevels: options.componentLogLevel.levels,
    drainTime: options.drainTimeS * 1000,
    parentShutdownTime: options.parentShutdownTimeS * 1000,
    baseId: options.baseId ?? 0,
    hotRestart: hotRestartOf(options),
    fileFlushInterval: options.fileFlushIntervalMsec,
    fileFlushMinBytes: options.fileFlushMinSizeKb * 1024,
  });
}

interface ComponentLevels {
  readonly text: string;
  readonly levels: ReadonlyMap<string, Level>;
}

interface Options extends Omit<CommandLine, 'componentLogLevel' | 'componentLevels' | 'baseId' | 'hotRestart'> {
  readonly baseId?: number;
  readonly baseIdPath?: string;
  readonly useDynamicBaseId: boolean;
  readonly restartEpoch?: number;
  readonly disableHotRestart: boolean;
  readonly skipHotRestartOnNoParent: boolean;
  readonly skipHotRestartParentStats: boolean;
  readonly componentLogLevel: ComponentLevels;
  readonly drainTimeS: number;
  readonly parentShutdownTimeS: number;
  readonly fileFlushIntervalMsec: number;
  readonly fileFlushMinSizeKb: number;
  readonly [refused: string]: unknown;
}

/** Hot restart is there where a flag asks for it: a proxy that nobody will follow leaves nothing in a folder. */
function hotRestartOf(options: Options): HotRestartOptions | undefined {
  const { baseId, baseIdPath, restartEpoch, useDynamicBaseId, disableHotRestart } = options;
  const wanted = baseId !== undefined || restartEpoch !== undefined || useDynamicBaseId;
  if (disableHotRestart || !wanted) return undefined;
  return {
    baseId: useDynamicBaseId ? undefined : (baseId ?? 0),
    baseIdPath,
    epoch: restartEpoch ?? 0,
    parentShutdownMs: options.parentShutdownTimeS * 1000,
    withoutParent: options.skipHotRestartOnNoParent,
    withoutParentStats: options.skipHotRestartParentStats,
  };
}

function createCommand(version: string, write: (text: string) => void): Command {
  const command = new Command('ciliate-proxy')
    .description('An Envoy-compatible data plane: starts from an Envoy bootstrap file.')
    .version(version, '--version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .option('-c, --config-path <path>', 'bootstrap file, YAML or JSON')
    .option('--config-yaml <yaml>', 'inline YAML bootstrap, merged over the one of --config-path')
    .addOption(
      new Option('--mode <mode>', 'serve, or validate the configuration and exit')
        .choices(['serve', 'validate'])
        .default('serve'),
    )
    .option('--concurrency <n>', 'number of workers', whole(1, 256), 1)
    .option('-l, --log-level <level>', `least level that is logged: ${LEVELS.join(', ')}`, readLevel, 'info')
    .option(
      '--component-log-level <list>',
      'levels by component, such as upstream:debug,config:trace',
      readComponents,
      {
        text: '',
        levels: new Map(),
      },
    )
    .option('--log-path <path>', 'file for the log in place of standard error')
    .option('--drain-time-s <seconds>', 'time in which a listener that goes drains', whole(0, 0xffff_ffff), 600)
    .addOption(
      new Option(
        '--drain-strategy <strategy>',
        'whether connections are closed little by little while a listener drains',
      )
        .choices(['gradual', 'immediate'])
        .default('gradual'),
    )
    .option(
      '--parent-shutdown-time-s <seconds>',
      'time after which the process before has to end',
      whole(0, 2_000_000),
      900,
    )
    .option('--base-id <n>', 'hot restart: who takes over from each other has the same', whole(0, 0x7fff_ffff))
    .option('--use-dynamic-base-id', 'hot restart: chooses a base ID that nobody uses', false)
    .option('--base-id-path <path>', 'hot restart: file to write the base ID to')
    .option(
      '--restart-epoch <n>',
      'hot restart: 0 for the first process, one more for each that follows',
      whole(0, 0x7fff_ffff),
    )
    .option('--disable-hot-restart', 'no hot restart, whatever else is said', false)
    .option('--skip-hot-restart-on-no-parent', 'hot restart: start even if there is no process before', false)
    .option('--skip-hot-restart-parent-stats', 'hot restart: leave the statistics of the process before', false)
    .option('--service-node <id>', 'node.id', '')
    .option('--service-cluster <name>', 'node.cluster', '')
    .option('--service-zone <zone>', 'node.locality.zone', '')
    .option(
      '--file-flush-interval-msec <ms>',
      'how long access log lines wait to be written',
      whole(0, 0xffff_ffff),
      10_000,
    )
    .option('--file-flush-min-size-kb <kb>', 'size at which they are written before that', whole(0, 0xffff_ffff), 64)
    .option('--admin-address-path <path>', 'file to write the address of the admin interface to')
    .option(
      '--filter-modules <folder>',
      'folder that HTTP filters in TypeScript may be loaded from; may be repeated',
      (folder, before: readonly string[]) => [...before, path.resolve(folder)],
      [],
    )
    .option('--admin-any-address', 'let the admin interface listen at other than loopback addresses', false);
  for (const flag of WITHOUT_EFFECT) command.addOption(new Option(flag, 'accepted without effect'));
  for (const [flags, why] of REFUSED) command.addOption(new Option(flags, why).hideHelp());
  return command;
}

function whole(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`allowed: a whole number from ${least} to ${most}.`);
  };
}

function readLevel(text: string): Level {
  // The command line, unlike the admin interface, also takes the short form.
  const level = text === 'warn' ? 'warning' : levelOf(text);
  if (level) return level;
  throw new InvalidArgumentError(`allowed: ${LEVELS.join(', ')}.`);
}

function readComponents(text: string): ComponentLevels {
  const levels = new Map<string, Level>();
  for (const part of text.split(',')) {
    const [name = '', level = ''] = part.split(':');
    if (!COMPONENTS.includes(name)) {
      throw new InvalidArgumentError(`no component '${name}'; nearest: ${nearestNames(name, COMPONENTS).join(', ')}.`);
    }
    levels.set(name, readLevel(level));
  }
  return { text, levels };
}

/** `--log-format <format>` as commander keeps it: `logFormat`. */
function attributeOf(flags: string): string {
  return new Option(flags).attributeName();
}

function knownOptions(command: Command): string {
  const known = command.options.filter((option) => !option.hidden).map((option) => option.long ?? option.flags);
  return `allowed: ${known.sort().join(', ')}\n`;
}
