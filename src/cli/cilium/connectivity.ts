import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError, Command as Parser } from 'commander';
import { defaultExternal, type Edges, RunFault, runConnectivityTest } from '../../connectivity/index.ts';
import { createHubbleClient } from '../../hubble/index.ts';
import { formatApiError, runInPod } from '../../kube/index.ts';
import { serverOf } from '../hubble/index.ts';
import type { Command, CommandIo } from '../io.ts';
import { CommandFault, connect, readConfig } from './cluster.ts';

interface TestFlags {
  readonly test: readonly string[];
  readonly testNamespace: string;
  readonly externalTarget: string;
  readonly externalOtherTarget: string;
  readonly externalIp: string;
  readonly externalOtherIp: string;
  readonly externalCidr: string;
  readonly hubble: boolean;
  readonly hubbleServer: string;
  readonly flowValidation: string;
  readonly singleNode?: boolean;
  readonly forceDeploy?: boolean;
  readonly printFlows?: boolean;
  readonly verbose?: boolean;
}

/** `cilium connectivity test`. Exit code 0 when every action held, 1 otherwise, 2 for a wrong command line. */
export const connectivityCommand: Command = async (argv, io) => {
  let code = 0;
  const parser = new Parser('cilium connectivity').description('Connectivity troubleshooting');
  addTestFlags(
    parser.command('test').description('deploy workloads, apply policies and check what they let through'),
    io,
  ).action(async (flags: TestFlags) => {
    code = await runTest(flags, io);
  });
  for (const command of [parser, ...parser.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    });
  }
  try {
    await parser.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CommandFault) && !(error instanceof RunFault)) throw error;
    io.stderr.write(`\nError: ${error.message}\n`);
    return 1;
  }
};

function addTestFlags(parser: Parser, io: CommandIo): Parser {
  return parser
    .option(
      '--test <regex>',
      'run tests that match, ! in front skips; may be repeated or joined by commas',
      collect,
      [],
    )
    .option('--test-namespace <name>', 'namespace of the workloads', 'cilium-test')
    .option(
      '--external-target <name>',
      'name outside of the cluster that answers HTTP and HTTPS',
      defaultExternal.target,
    )
    .option('--external-other-target <name>', 'another such name', defaultExternal.otherTarget)
    .option('--external-ip <address>', 'address outside of the cluster that answers HTTPS', defaultExternal.address)
    .option('--external-other-ip <address>', 'another such address', defaultExternal.otherAddress)
    .option('--external-cidr <range>', 'range with both addresses', defaultExternal.cidr)
    .option('--no-hubble', 'do not look at flows')
    .option('--hubble-server <address>', 'address of Hubble Relay', io.environment['HUBBLE_SERVER'] ?? 'localhost:4245')
    .option('--flow-validation <mode>', 'disabled, warning or strict', 'warning')
    .option('--single-node', 'leave out what needs a second node')
    .option('--force-deploy', 'delete and deploy the workloads anew')
    .option('--print-flows', 'print the flows of every action')
    .option('-v, --verbose', 'print the log of every action');
}

function collect(value: string, list: readonly string[]): readonly string[] {
  return [...list, value];
}

const validations = ['disabled', 'warning', 'strict'] as const;

async function runTest(flags: TestFlags, io: CommandIo): Promise<number> {
  const flowValidation = validations.find((mode) => mode === flags.flowValidation);
  if (!flowValidation) {
    throw new CommandFault(`invalid --flow-validation: ${flags.flowValidation}; allowed: ${validations.join(', ')}`);
  }
  const kube = connect(io);
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const settings = (await readConfig(kube)).data ?? {};
    const options = {
      context: settings['cluster-name'] ?? 'default',
      settings,
      tests: flags.test,
      namespace: flags.testNamespace,
      external: {
        target: flags.externalTarget,
        otherTarget: flags.externalOtherTarget,
        address: flags.externalIp,
        otherAddress: flags.externalOtherIp,
        cidr: flags.externalCidr,
      },
      hubble: flags.hubble,
      flowValidation,
      singleNode: flags.singleNode ?? false,
      forceDeploy: flags.forceDeploy ?? false,
      printFlows: flags.printFlows ?? false,
      verbose: flags.verbose ?? false,
    };
    const outcome = await runConnectivityTest(options, edgesOf(kube, hubbleOf(flags, io), io, stopped.signal));
    return outcome.ok ? 0 : 1;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    kube.close();
  }
}

type HubbleServer = ReturnType<typeof serverOf>;

function hubbleOf({ hubbleServer }: TestFlags, io: CommandIo): HubbleServer {
  try {
    return serverOf(hubbleServer, io.environment);
  } catch (error) {
    throw new CommandFault((error as Error).message);
  }
}

function edgesOf(kube: Edges['kube'], hubble: HubbleServer, io: CommandIo, signal: AbortSignal): Edges {
  return {
    kube,
    signal,
    write: (text) => void io.stdout.write(text),
    now: () => performance.now(),
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }).catch(() => {}),
    hubble: () => createHubbleClient(hubble),
    exec: async ({ namespace, name }, command, timeoutMs) => {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const done = await runInPod(kube, { namespace, pod: name, command, signal: timeout });
      if (!done.ok) throw new RunFault(`exec in pod ${namespace}/${name}: ${formatApiError(done.error)}`);
      return done.value;
    },
  };
}
