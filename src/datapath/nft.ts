import { execFile } from 'node:child_process';
import { fail, ok, type Result } from '../base/index.ts';
import { openNftables } from '../sys/index.ts';

/** Runs nft commands as one transaction in this process' network namespace. */
export interface NftRunner {
  /** `library` inside this process, `program` by starting nft for each change. */
  readonly kind: 'library' | 'program';
  run(commands: string): Promise<Result<void, string>>;
  close(): void;
}

const programTimeoutMs = 10_000;

export function createNftRunner(): NftRunner {
  const library = openNftables();
  if (!library) return { kind: 'program', run: runProgram, close() {} };
  return {
    kind: 'library',
    run: async (commands) => {
      const fault = library.run(commands);
      return fault === undefined ? ok(undefined) : fail(firstLines(fault));
    },
    close: library.close,
  };
}

function runProgram(commands: string): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    const child = execFile('nft', ['-f', '-'], { timeout: programTimeoutMs }, (error, _stdout, stderr) => {
      if (!error) resolve(ok(undefined));
      else resolve(fail(firstLines(stderr.trim() === '' ? error.message : stderr)));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(commands);
  });
}

/** nft repeats the faulty command under its message, which can be thousands of elements long. */
function firstLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(0, 4)
    .map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line))
    .join('\n');
}
