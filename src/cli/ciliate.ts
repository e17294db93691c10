import { prepareLoading } from '../loading/index.ts';
import type { Command } from './io.ts';
import { processIo } from './io.ts';

prepareLoading();

/** Every first word, and the module that is loaded for it. */
const commands: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<Command> }>> = {
  up: { about: 'start the cluster', load: async () => (await import('./lifecycle/index.ts')).upCommand },
  down: { about: 'stop the cluster', load: async () => (await import('./lifecycle/index.ts')).downCommand },
  status: { about: 'show what runs', load: async () => (await import('./lifecycle/index.ts')).statusCommand },
  env: { about: 'print what to eval in a shell', load: async () => (await import('./lifecycle/index.ts')).envCommand },
  walkthrough: {
    about: 'start a cluster and walk through Layer-7 traffic management',
    load: async () => (await import('./walkthrough/index.ts')).walkthroughCommand,
  },
  validate: {
    about: 'validate manifests without a cluster',
    load: async () => (await import('./validate/index.ts')).validateCommand,
  },
  policy: {
    about: 'explain which policies allow or deny what',
    load: async () => (await import('./policy/index.ts')).policyCommand,
  },
  kubectl: {
    about: 'get, apply, delete, exec, logs where kubectl is not installed',
    load: async () => (await import('./kubectl/index.ts')).kubectlCommand,
  },
  cilium: { about: 'the cilium command', load: async () => (await import('./cilium/index.ts')).ciliumCommand },
  ui: {
    about: 'serve a web page with the service map and the flows',
    load: async () => (await import('./ui/index.ts')).uiCommand,
  },
  hubble: { about: 'the hubble command', load: async () => (await import('./hubble/index.ts')).hubbleCommand },
};

// What libraries should no longer do is nothing for a user's terminal.
process.noDeprecation = true;

const width = Math.max(...Object.keys(commands).map((name) => name.length));
const usage = `Usage: ciliate COMMAND [ARGUMENT...]

Commands:
${Object.entries(commands)
  .map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`)
  .join('\n')}

Each command explains itself with --help. State lives under CILIATE_HOME (default ~/.ciliate).
`;

async function main(argv: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (name === '--version' || name === 'version') {
    const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
    process.stdout.write(`ciliate ${version}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    process.stderr.write(`ciliate: unknown command "${name}"; known: ${Object.keys(commands).join(', ')}\n`);
    return 2;
  }
  return (await command.load())(rest, processIo());
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
