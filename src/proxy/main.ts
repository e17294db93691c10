import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import path from 'node:path';

/**
 * Young garbage in small steps: requests leave little behind, and memory counts. Node takes this only at its start, so a process that was
 * started without goes on as one that was.
 */
const YOUNG_FLAG = '--max-semi-space-size';
const YOUNG_MB = 4;

function restartWithFlags(): void {
  const { execArgv, execPath, argv, env } = process;
  const flagged = [...execArgv, env['NODE_OPTIONS'] ?? ''].some((one) => one.includes(YOUNG_FLAG));
  if (flagged || !process.execve) return;
  process.execve(execPath, [execPath, ...execArgv, `${YOUNG_FLAG}=${YOUNG_MB}`, ...argv.slice(1)], env);
}

/** Compiled code is kept beside the packages: TypeScript is stripped once, and worker threads need not do it again. */
function cacheCompiledCode(): void {
  const folder = path.resolve(import.meta.dirname, '../../node_modules/.cache/compile');
  try {
    mkdirSync(folder, { recursive: true });
    enableCompileCache(folder);
  } catch {
    // A folder of somebody else: everything works, only slower at the start.
  }
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
cacheCompiledCode();
main().catch((error: unknown) => {
  process.stderr.write(`ciliate-proxy: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
