import { spawn } from 'node:child_process';
import { inNetworkNamespace } from '../../sys/index.ts';

const timeoutMs = 10_000;

/**
 * Runs the lines through one `ip -batch` inside a network namespace (the process's own without `network`).
 * Rejects with the first error line of `ip`, or when it takes more than 10 s.
 */
export function ipBatch(lines: readonly string[], network?: string): Promise<void> {
  const start = () => spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: timeoutMs });
  const child = network === undefined ? start() : inNetworkNamespace(network, start);
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 4096) errors += text;
    });
    child.stdin.on('error', () => {});
    child.on('error', (error) => reject(new Error(`cannot run ip (package iproute2): ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const reason = errors.trim().split('\n').slice(0, 2).join(' ');
      reject(new Error(`ip: ${reason || `ended with ${code ?? signal}`}${failedLine(errors, lines)}`));
    });
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}

function failedLine(errors: string, lines: readonly string[]): string {
  const number = /Command failed -:(\d+)/.exec(errors)?.[1];
  return number === undefined ? '' : ` (${lines[Number(number) - 1]})`;
}
