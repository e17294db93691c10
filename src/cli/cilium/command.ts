import { CommanderError, InvalidArgumentError, Option, Command as Parser } from 'commander';
import type { Command, CommandIo } from '../io.ts';
import { CommandFault } from './cluster.ts';
import { runConfigDelete, runConfigSet, runConfigView } from './config.ts';
import { runInstall } from './install.ts';
import { runStatus } from './status.ts';
import { runVersion } from './version.ts';

/** The `cilium` command. Exit code 0, 1 when the cluster is not as asked, 2 for a wrong command line. */
export const ciliumCommand: Command = async (argv, io) => {
  // The connectivity test brings its own options and many modules.
  if (argv[0] === 'connectivity') return (await import('./connectivity.ts')).connectivityCommand(argv.slice(1), io);
  if (argv[0] === 'hubble' && argv[1] === 'ui') return (await import('../ui/index.ts')).uiCommand(argv.slice(2), io);
  let exitCode = 0;
  const parser = commandLine(io, (code) => {
    exitCode = code;
  });
  try {
    await parser.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CommandFault)) throw error;
    io.stderr.write(`\nError: ${error.message}\n`);
    return 1;
  }
};

function commandLine(io: CommandIo, exit: (code: number) => void): Parser {
  const parser = new Parser('cilium')
    .description('CLI to install, manage and check Cilium on the cluster of KUBECONFIG.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .action(() => parser.help());
  parser
    .command('install')
    .description('bring the embedded Cilium to the settings given')
    .addOption(
      new Option('--datapath-mode <mode>', 'how packets travel between nodes').choices([
        'vxlan',
        'tunnel',
        'direct',
        'native',
      ]),
    )
    .option('--config <key=value...>', 'set a key of the cilium-config ConfigMap', collect, {})
    .option('--version <version>', 'accepted for compatibility; the version is that of this program')
    .option('--kube-proxy-replacement <mode>', 'accepted for compatibility; Services are always handled here')
    .option('--wait', 'wait until the settings are in force (always done)')
    .action((flags) => runInstall(flags, io));
  parser
    .command('status')
    .description('show what runs')
    .option('--wait', 'wait until everything is ready')
    .option('--wait-duration <duration>', 'how long to wait, such as 30s or 5m', parseDuration, 300_000)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['summary', 'json']).default('summary'))
    .action(async (flags) => exit(await runStatus(flags, io)));
  parser
    .command('version')
    .description('show the versions')
    .option('--client', 'of this program only')
    .action((flags) => runVersion(flags, io));
  const config = parser.command('config').description('view or change the cilium-config ConfigMap');
  config
    .command('view')
    .description('print all settings')
    .action(() => runConfigView(io));
  config
    .command('set <key> <value>')
    .description('set one')
    .action((key, value) => runConfigSet(key, value, io));
  config
    .command('delete <key>')
    .description('remove one')
    .action((key) => runConfigDelete(key, io));
  // The rest is only here for `cilium --help`: it is run before this parser.
  const hubble = parser.command('hubble').description('Hubble observability');
  hubble.action(() => hubble.help());
  hubble.command('ui').description('serve a web page with the service map and the flows');
  parser
    .command('connectivity')
    .description('connectivity test: check that policies and Layer-7 rules act as they should');
  return parser;
}

function collect(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('expected key=value.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('expected a number with s, m or h.');
  return Number(amount) * (unitMs[unit] ?? 0);
}
