import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

/** The cases need namespaces that may be torn up: `unshare` gives them, with or without a user namespace around. */
const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec "$@"';
const timeoutMs = 120_000;

const user = ['--user', '--map-root-user'];
const ways: readonly { name: string; cases: string; args: readonly string[]; root: boolean }[] = [
  { name: 'of pods, in a user namespace', cases: 'kernel-cases.ts', args: user, root: false },
  { name: 'of pods, as root', cases: 'kernel-cases.ts', args: [], root: true },
  { name: 'of nodes, in a user namespace', cases: 'host-cases.ts', args: user, root: false },
  { name: 'that traces show, in a user namespace', cases: 'aggregation-cases.ts', args: user, root: false },
  { name: 'in audit mode, in a user namespace', cases: 'audit-cases.ts', args: user, root: false },
];

interface Outcome {
  /** What the runner said of its cases; undefined where the process was over without a failure and without a word of it. */
  readonly passed: boolean | undefined;
  readonly text: string;
}

async function play(cases: string, args: readonly string[]): Promise<Outcome> {
  const all = [...args, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const file = path.join(import.meta.dirname, 'testing', cases);
  const command = ['bash', '-c', script, 'x', process.execPath, '--test-reporter=spec', file];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  return new Promise((resolve) => {
    execFile('unshare', [...all, ...command], { timeout: timeoutMs, env }, (error, stdout, stderr) => {
      const [, failed] = /^ℹ fail (\d+)$/m.exec(stdout) ?? [];
      const told = error || failed !== undefined;
      resolve({ passed: told ? !error && failed === '0' : undefined, text: `${error?.message}\n${stdout}\n${stderr}` });
    });
  });
}

for (const { name, cases, args, root } of ways) {
  const skip = root && process.getuid?.() !== 0 ? 'needs root' : false;
  test(`packets through the kernel, ${name}`, { skip, timeout: 2 * timeoutMs + 5000 }, async () => {
    let outcome = await play(cases, args);
    // Seen where two whole runs share two cores, for a reason that is not known.
    if (outcome.passed === undefined) outcome = await play(cases, args);
    assert.ok(outcome.passed, outcome.text);
  });
}
