import { Command, CommanderError } from 'commander';
import type { CommandIo } from '../io.ts';
import { apply } from './apply.ts';
import { type DeleteOptions, remove } from './delete.ts';
import { type ExecOptions, exec } from './exec.ts';
import { Failure } from './failure.ts';
import { type GetOptions, get } from './get.ts';
import { type LogsCommandOptions, logs } from './logs.ts';
import { type GlobalOptions, type Session, withSession } from './session.ts';

/** `ciliate kubectl`: arguments after the name in, exit code out. */
export async function kubectlCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof Failure)) throw error;
    io.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function createProgram(io: CommandIo, setExitCode: (code: number) => void): Command {
  const program = new Command('kubectl')
    .description('get, apply, delete, exec and logs where kubectl is not installed')
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('--kubeconfig <file>', 'kubeconfig (default: KUBECONFIG, then ~/.kube/config)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    });
  const run = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    withSession(io, program.opts<GlobalOptions>(), work);
  addGet(program, run);
  addApplyAndDelete(program, run);
  addPodCommands(program, run, setExitCode);
  return program;
}

type Run = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, ...value.split(',')];

function addGet(program: Command, run: Run): void {
  program
    .command('get <type> [names...]')
    .description('show objects: TYPE [NAME...], TYPE/NAME..., TYPE,TYPE')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <labels>', 'only with these labels')
    .option('--field-selector <fields>', 'only with these fields')
    .option('-o, --output <format>', 'wide, json, yaml, name or jsonpath=TEMPLATE')
    .option('--show-labels', 'a column with the labels')
    .option('--no-headers', 'no header line')
    .option('-w, --watch', 'go on showing changes')
    .option('--ignore-not-found', 'succeed when a named object is absent')
    .action((type: string, names: string[], options: GetOptions) =>
      run((session) => get(session, [type, ...names], options)),
    );
}

function addApplyAndDelete(program: Command, run: Run): void {
  program
    .command('apply')
    .description('create or change the objects of manifests')
    .requiredOption('-f, --filename <file>', 'file, folder or - (may be repeated)', collect)
    .action((options: { filename: readonly string[] }) => run((session) => apply(session, options.filename)));
  program
    .command('delete [targets...]')
    .description('delete objects by file, name or label')
    .option('-f, --filename <file>', 'file, folder or - (may be repeated)', collect)
    .option('--all', 'every object of the type')
    .option('-l, --selector <labels>', 'only with these labels')
    .option('--ignore-not-found', 'succeed when an object is absent')
    .option('--grace-period <seconds>', 'time a pod gets to end')
    .option('--cascade <policy>', 'background, foreground or orphan', 'background')
    .option('--no-wait', 'do not wait until the objects are gone')
    .option('--timeout <duration>', 'longest wait')
    .action((targets: string[], options: DeleteOptions) => run((session) => remove(session, targets, options)));
}

function addPodCommands(program: Command, run: Run, setExitCode: (code: number) => void): void {
  program
    .command('exec <pod> [command...]')
    .description('run a command in a container: exec [-it] POD [-c CONTAINER] -- COMMAND [ARGUMENT...]')
    .option('-c, --container <name>', 'container (default: the first)')
    .option('-i, --stdin', 'pass standard input')
    .option('-t, --tty', 'with a terminal')
    .action(async (pod: string, command: string[], options: ExecOptions) => {
      setExitCode(await run((session) => exec(session, pod, command, options)));
    });
  program
    .command('logs <pod> [container]')
    .description("show a container's output")
    .option('-c, --container <name>', 'container (default: the only one)')
    .option('-f, --follow', 'go on until the container ends')
    .option('-p, --previous', 'of the container that ran before')
    .option('--timestamps', 'with the time of each line')
    .option('--tail <lines>', 'only the last lines')
    .option('--since <duration>', 'only newer than this')
    .action((pod: string, container: string | undefined, options: LogsCommandOptions) =>
      run((session) => logs(session, pod, { ...(container === undefined ? {} : { container }), ...options })),
    );
}
