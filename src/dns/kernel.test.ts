import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && exec "$@"';
const cases = path.join(import.meta.dirname, 'testing', 'kernel-cases.ts');
const timeoutMs = 60_000;

test('DNS through the kernel', { timeout: timeoutMs + 5000 }, async () => {
  const around = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const output = await new Promise<string>((resolve) => {
    const command = ['bash', '-c', script, 'x', process.execPath, '--test-reporter=spec', cases];
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    execFile('unshare', [...around, ...command], { timeout: timeoutMs, env }, (error, stdout, stderr) => {
      resolve(error ? `${error.message}\n${stdout}\n${stderr}` : '');
    });
  });
  assert.equal(output, '', output);
});
