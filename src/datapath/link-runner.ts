import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fail, ok, type Result } from '../base/index.ts';
import type { LinkCommands, LinkState } from './links.ts';
import { overlayInterface, toProxyTable } from './marks.ts';

const timeoutMs = 10_000;

/** Runs a plan's link commands in this process' network namespace, one process per tool. The error is what the tool said. */
export async function runLinkCommands({ ip, bridge, cleanup }: LinkCommands): Promise<Result<void, string>> {
  for (const [program, lines] of [
    ['ip', ip],
    ['bridge', bridge],
    ['ip', cleanup],
  ] as const) {
    if (lines.length === 0) continue;
    const done = await run(program, ['-batch', '-'], `${lines.join('\n')}\n`);
    if (!done.ok) return done;
  }
  return ok(undefined);
}

/** What of our links is in the kernel already, for instance from an agent before this one. */
export async function readLinkState(): Promise<Result<Omit<LinkState, 'applied'>, string>> {
  const rules = await run('ip', ['rule', 'show', 'table', String(toProxyTable)], '');
  if (!rules.ok) return rules;
  return ok({ hasOverlay: interfaceNames().includes(overlayInterface), hasProxyRule: rules.value.includes('fwmark') });
}

function interfaceNames(): string[] {
  const lines = readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n').slice(2);
  return lines.flatMap((line) => (line.includes(':') ? [line.slice(0, line.indexOf(':')).trim()] : []));
}

function run(program: string, args: readonly string[], input: string): Promise<Result<string, string>> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: timeoutMs }, (error, stdout, stderr) => {
      if (!error) resolve(ok(stdout));
      else resolve(fail(`${program}: ${stderr.trim() === '' ? error.message : stderr.trim()}`));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
