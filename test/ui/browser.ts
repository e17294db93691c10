import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';

const root = path.resolve(import.meta.dirname, '../..');
const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);

/** Why nothing can be shown in a browser here; false where it can. */
export const noBrowser = program === undefined ? 'THERE IS NO CHROMIUM: apt-get install chromium' : false;

const flags = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: program as string, args: flags });
}

export interface RunningUi {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** `ciliate ui` as a process on a free port. */
export async function startUi(args: readonly string[]): Promise<RunningUi> {
  const command = [path.join(root, 'src/cli/ciliate.ts'), 'ui', '--port', '0', ...args];
  const child: ChildProcess = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  return {
    url: /http:\S+/.exec(said.toString())?.[0] ?? '',
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
