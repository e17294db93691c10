import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { CommanderError, InvalidArgumentError, Command as Parser } from 'commander';
import { clusterHome, isRunning, readRecord } from '../../embedded/index.ts';
import { readFilterText } from '../../hubble/index.ts';
import { type FlowSource, recordedSource, relaySource, serveUi, type UiServing } from '../../ui/index.ts';
import { readRecording, serverOf } from '../hubble/index.ts';
import type { Command, CommandIo } from '../io.ts';

interface UiFlags {
  readonly port: number;
  readonly server: string;
  readonly from?: string;
}

const projectRoot = path.resolve(import.meta.dirname, '../../..');
const page = path.join(projectRoot, 'dist/web');

/** `ciliate ui` and `cilium hubble ui`: serves the page for flows until interrupted. Exit code 0, 1 when it cannot, 2 for a wrong command line. */
export const uiCommand: Command = async (argv, io) => {
  const parser = new Parser('ciliate ui')
    .description('Serve a web page with the service map and the flows of Hubble, on this machine only.')
    .option('--port <number>', 'port on 127.0.0.1, 0 for a free one', parsePort, 12_000)
    .option('--server <address>', 'address of a Hubble Relay or Observer', defaultServer(io.environment))
    .option('--from <file>', 'show a recording made by: hubble observe -o jsonpb > file')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride();
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return runUi(parser.opts<UiFlags>(), io);
};

/** HUBBLE_SERVER, else the relay of the cluster that runs here, else where a relay usually is. */
function defaultServer(environment: NodeJS.ProcessEnv): string {
  const record = readRecord(clusterHome(environment));
  const own = record && isRunning(record) ? `localhost:${record.relayPort}` : 'localhost:4245';
  return environment['HUBBLE_SERVER'] ?? own;
}

async function runUi(flags: UiFlags, io: CommandIo): Promise<number> {
  if (flags.from !== undefined && !existsSync(flags.from)) {
    io.stderr.write(`ciliate: cannot read --from ${flags.from}: no such file\n`);
    return 1;
  }
  let source: FlowSource;
  try {
    source = sourceOf(flags, io);
  } catch (error) {
    io.stderr.write(`ciliate: ${(error as Error).message}\n`);
    return 1;
  }
  if (!(await buildPage())) {
    io.stderr.write('ciliate: the page could not be built; node scripts/build-web.mjs says why\n');
    return 1;
  }
  let serving: UiServing;
  try {
    serving = await serveUi({ port: flags.port, page, source, readFilters: readFilterText });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? `port ${flags.port} is taken; choose another with --port` : message;
    io.stderr.write(`ciliate: ${reason}\n`);
    return 1;
  }
  const shown = flags.from === undefined ? `the flows of ${flags.server}` : `the recording ${flags.from}`;
  io.stdout.write(`${serving.url} shows ${shown}. Ctrl-C stops it.\n`);
  await new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve());
  });
  await serving.close();
  return 0;
}

function sourceOf({ from, server }: UiFlags, io: CommandIo): FlowSource {
  if (from === undefined) return relaySource(serverOf(server, io.environment));
  const warn = (text: string): void => void io.stderr.write(`WARN ${text}\n`);
  return recordedSource(path.basename(from), (filters) => readRecording(from, filters, warn));
}

/** Builds the page when its sources are newer than what was built. */
async function buildPage(): Promise<boolean> {
  const build = spawn(process.execPath, [path.join(projectRoot, 'scripts/build-web.mjs')], {
    stdio: ['ignore', 2, 2],
  });
  const [code] = (await once(build, 'exit')) as [number | null];
  return code === 0;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('a number from 0 to 65535 is needed.');
  return port;
}
