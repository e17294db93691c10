import { prepareLoading } from '../loading/index.ts';

/**
 * What Node and the C library take only at the start of a process: one that was started without goes on as one that was.
 * Young garbage is collected often, since requests leave little behind and memory counts. All threads share one malloc arena: those of
 * the compiler would each keep megabytes of what loading needed.
 */
const FLAGS = ['--max-semi-space-size=8', '--expose-gc'];
const ARENAS = 'MALLOC_ARENA_MAX';

function restartWithFlags(): void {
  const { execArgv, execPath, argv, env } = process;
  const given = [...execArgv, env['NODE_OPTIONS'] ?? ''].join(' ');
  const missing = FLAGS.filter((flag) => !given.includes(flag.replace(/=.*/, '')));
  if ((missing.length === 0 && env[ARENAS] !== undefined) || !process.execve) return;
  const arenas = env[ARENAS] ?? '1';
  process.execve(execPath, [execPath, ...execArgv, ...missing, ...argv.slice(1)], { ...env, [ARENAS]: arenas });
}

/** `ciliate-proxy -c bootstrap.yaml`: runs until SIGTERM or SIGINT, then drains; a second signal ends it at once. Exit 1 when it cannot start. */
async function main(): Promise<void> {
  const { parseCommandLine } = await import('./command/line.ts');
  const { versionText } = await import('./server/version.ts');
  const parsed = parseCommandLine(process.argv.slice(2), `ciliate-proxy  version: ${versionText}`);
  if (!parsed.ok) {
    const { text, exitCode } = parsed.error;
    (exitCode === 0 ? process.stdout : process.stderr).write(text);
    process.exitCode = exitCode;
    return;
  }
  const { run } = await import('./command/run.ts');
  process.exitCode = await run(parsed.value);
}

restartWithFlags();
prepareLoading();
main().catch((error: unknown) => {
  process.stderr.write(`ciliate-proxy: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
