import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

/** The cases need namespaces that may be torn up: `unshare` gives them, with or without a user namespace around. */
const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec "$@"';
const cases = path.join(import.meta.dirname, 'testing', 'kernel-cases.ts');
const timeoutMs = 120_000;

const ways: readonly { name: string; args: readonly string[]; root: boolean }[] = [
  { name: 'in a user namespace', args: ['--user', '--map-root-user'], root: false },
  { name: 'as root', args: [], root: true },
];

for (const { name, args, root } of ways) {
  const skip = root && process.getuid?.() !== 0 ? 'needs root' : false;
  test(`packets through the kernel, ${name}`, { skip, timeout: timeoutMs + 5000 }, async () => {
    const all = [...args, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const output = await new Promise<string>((resolve) => {
      const command = ['bash', '-c', script, 'x', process.execPath, '--test-reporter=spec', cases];
      const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
      execFile('unshare', [...all, ...command], { timeout: timeoutMs, env }, (error, stdout, stderr) => {
        resolve(error ? `${error.message}\n${stdout}\n${stderr}` : '');
      });
    });
    assert.equal(output, '', output);
  });
}
