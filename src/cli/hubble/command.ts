import { Command, CommanderError } from 'commander';
import { createFilterBuilder, type FilterBuilder, filterFlags, invalidArgument } from '../../hubble/index.ts';
import type { CommandIo } from '../io.ts';
import { configPath, readSettings } from './config.ts';
import { addServerFlags, type ServerFlags } from './connection.ts';
import { applyDefaults } from './defaults.ts';
import { Fault } from './fault.ts';
import { flagsBehindCommand } from './flag-order.ts';
import type { ObserveFlags } from './observe/options.ts';
import { truthOf } from './settings.ts';

type OutputFlags = ServerFlags & { readonly output: string };

/**
 * The `hubble` command: arguments after its name in, exit code out. 0 when it did what was asked or was interrupted,
 * 1 after one line on standard error.
 */
export async function hubbleCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  let code = 0;
  const program = createProgram(io, (exit) => {
    code = exit;
  });
  try {
    const words = flagsBehindCommand(withoutTruthValues(argv, program), program);
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error, io);
    if (!(error instanceof Fault)) throw error;
    io.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function commanderExit(error: CommanderError, io: CommandIo): number {
  if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode;
  io.stderr.write(`${parseFault(error)}\n`);
  return 1;
}

/** What commander complains of, in the words of the original where it has such. */
function parseFault({ code, message }: CommanderError): string {
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ');
  const quoted = /'([^']*)'/.exec(text)?.[1] ?? '';
  if (code === 'commander.unknownOption') {
    return quoted.startsWith('--') ? `unknown flag: ${quoted}` : `unknown shorthand flag: '${quoted[1]}' in ${quoted}`;
  }
  if (code === 'commander.optionMissingArgument') return `flag needs an argument: ${quoted.replace(/ .*$/, '')}`;
  return code === 'commander.unknownCommand' ? `unknown command "${quoted}" for "hubble"` : text;
}

/** Go's `--flag=true` and `--flag=false` for flags that take no value, which commander does not know. */
function withoutTruthValues(argv: readonly string[], program: Command): string[] {
  const plain = new Set<string>();
  const collect = (command: Command): void => {
    for (const { long, required, optional } of command.options) if (long && !required && !optional) plain.add(long);
    for (const sub of command.commands) collect(sub);
  };
  collect(program);
  return argv.flatMap((argument) => {
    const [, flag = '', value = ''] = /^(--[a-z0-9-]+)=(.*)$/s.exec(argument) ?? [];
    if (!plain.has(flag)) return [argument];
    const truth = truthOf(value);
    if (truth !== undefined) return truth ? [flag] : [];
    throw invalidArgument(flag, value, 'no truth value; allowed: true or false');
  });
}

function createProgram(io: CommandIo, done: (code: number) => void): Command {
  const program = helped(new Command('hubble'))
    .description('Hubble shows what happens in the network: flows, their verdicts and the nodes that see them.')
    .option('--config <file>', 'config file')
    .option('-D, --debug', 'print every node status')
    .enablePositionalOptions();
  addObserve(program, io, done);
  addServerFlags(program.command('status').description('show health and fill of the server'))
    .option('-o, --output <format>', 'compact, dict, json or table', 'compact')
    .action(async (flags: OutputFlags) => done(await (await import('./status.ts')).showStatus(flags, io)));
  addList(program, io, done);
  const watch = group(program, 'watch', 'watch the cluster');
  addServerFlags(watch.command('peers').alias('peer').description('watch the nodes of the cluster')).action(
    async (flags: ServerFlags) => done(await (await import('./watch.ts')).watchPeers(flags, io)),
  );
  addConfig(program, io, done);
  program
    .command('version')
    .description('print the version')
    .action(async () => {
      const { version } = (await import('../../../package.json', { with: { type: 'json' } })).default;
      io.stdout.write(`hubble v${version} (ciliate) on node ${process.version} ${process.platform}/${process.arch}\n`);
    });
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .action(async (shell: string) => done((await import('./completion.ts')).printCompletion(shell, program, io)));
  quiet(program, io);
  program.hook('preAction', (_program, action) => {
    const { config } = { ...program.opts(), ...action.opts() } as { config?: string };
    const settings = readSettings(configPath(config, io.environment), config !== undefined);
    applyDefaults(action, io.environment, settings);
    applyDefaults(program, io.environment, settings);
  });
  return program;
}

const groups = new Set(['hubble', 'list', 'watch', 'config']);

/** A command that only has others below it; alone it prints its help, as every command of cobra's does. */
function group(program: Command, name: string, about: string): Command {
  return helped(program.command(name).description(about));
}

function helped(command: Command): Command {
  return command.allowExcessArguments().action((_flags: object, { args: [word] }: Command) => {
    if (word !== undefined) throw new Fault(`unknown command ${JSON.stringify(word)} for "hubble"`);
    command.outputHelp();
  });
}

/** Sends help to the command's output and turns mistakes into exceptions. */
function quiet(command: Command, io: CommandIo): void {
  // Commands inherit this from the group that they are in.
  command.allowExcessArguments(groups.has(command.name()));
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    outputError: () => {},
  });
  for (const sub of command.commands) quiet(sub, io);
}

function addList(program: Command, io: CommandIo, done: (code: number) => void): void {
  const list = group(program, 'list', 'list nodes or namespaces');
  addServerFlags(list.command('nodes').alias('node').description('list the nodes behind a relay'))
    .option('-o, --output <format>', 'table, wide or json', 'table')
    .action(async (flags: OutputFlags) => done(await (await import('./list.ts')).listNodes(flags, io)));
  addServerFlags(list.command('namespaces').alias('namespace').description('list namespaces with recent flows'))
    .option('-o, --output <format>', 'table, wide or json', 'table')
    .action(async (flags: OutputFlags) => done(await (await import('./list.ts')).listNamespaces(flags, io)));
}

interface ConfigFlags {
  readonly config?: string;
  readonly all?: boolean;
}

function addConfig(program: Command, io: CommandIo, done: (code: number) => void): void {
  const config = group(program, 'config', 'read and change the config file');
  const add = (action: 'view' | 'get' | 'set' | 'reset', words: string, about: string): Command => {
    const command = config.command(`${action}${words}`).description(about);
    command.option('--config <file>', 'config file').action(async () => {
      const [key, value] = command.args;
      const { all, config: explicit } = { ...program.opts(), ...command.opts() } as ConfigFlags;
      const file = configPath(explicit, io.environment);
      done((await import('./config.ts')).runConfig({ action, key, value, all }, file, explicit !== undefined, io));
    });
    return command;
  };
  add('view', '', 'print the settings');
  add('get', ' [key]', 'print a setting, or all of them');
  add('set', ' <key> [value]', 'change a setting, without a value to its default');
  add('reset', ' [key]', 'put a setting back, or all of them').option('--all', 'put every setting back');
}

function addObserve(program: Command, io: CommandIo, done: (code: number) => void): void {
  const builder = createFilterBuilder();
  const observe = program.command('observe').description('print flows').enablePositionalOptions();
  addSelectors(addServerFlags(observe));
  addFilters(observe, builder);
  const flows = (command: Command) => async (): Promise<void> => {
    const flags = { ...program.opts(), ...command.opts() } as ObserveFlags & ServerFlags;
    done(await (await import('./observe/observe.ts')).observeFlows(flags, builder.build(), io));
  };
  observe.action(flows(observe));
  const sub = observe.command('flows').description('print flows');
  addSelectors(addServerFlags(sub));
  addFilters(sub, builder);
  sub.action(flows(sub));
  for (const kind of ['agent', 'debug'] as const) {
    const events = observe.command(`${kind}-events`).description(`print ${kind} events`);
    addSelectors(addServerFlags(events)).action(async (flags: ObserveFlags & ServerFlags) =>
      done(await (await import('./observe/events.ts')).observeEvents(kind, flags, io)),
    );
  }
}

function addSelectors(command: Command): Command {
  return command
    .option('--all', 'every flow in the buffers')
    .option('--first <number>', 'the oldest flows of each node')
    .option('--last <number>', 'the newest flows of each node (default 20)')
    .option('-f, --follow', 'go on as flows happen')
    .option('--since <time>', 'flows since a time, 5m or 2006-01-02T15:04:05Z')
    .option('--until <time>', 'flows until a time')
    .option('-o, --output <format>', 'compact, dict, json, jsonpb or table', 'compact')
    .option('--print-node-name', 'print the node that saw the flow')
    .option('--print-policy-names', 'print the policies that decided')
    .option('--time-format <name>', 'layout of times', 'StampMilli')
    .option('--color <when>', 'auto, always or never', 'auto')
    .option('--ip-translation [true|false]', 'names instead of addresses', true)
    .option('--numeric', 'addresses instead of names')
    .option('-s, --silent-errors', 'nothing on standard error')
    .option('--input-file <file>', 'read recorded flows from a file, - for standard input')
    .option('--field-mask <fields>', 'fields to ask for, with json output')
    .option('--use-default-field-masks', 'ask only for the fields that are printed');
}

/** Filters are collected by events, because commander tells them in the order of the arguments. */
function addFilters(command: Command, builder: FilterBuilder): void {
  const listen = (name: string, take: (value: string) => void): void => {
    command.on(`option:${name}`, take);
    command.on(`optionEnv:${name}`, take);
  };
  command.option('--not', 'turn the next filter around').option('--print-raw-filters', 'print the filters and exit');
  listen('not', () => builder.not());
  for (const list of ['allowlist', 'denylist'] as const) {
    command.option(`--${list} <json>`, `filters as JSON, the ${list}`);
    listen(list, (json) => builder.raw(list, json));
  }
  for (const flag of filterFlags) {
    command.option(flag.flags, flag.about);
    const name = /--([a-z0-9-]+)/.exec(flag.flags)?.[1] ?? '';
    listen(name, (value) => builder.add(flag, name, value ?? undefined));
  }
}
