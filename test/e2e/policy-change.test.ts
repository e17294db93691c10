import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { projectRoot } from './cluster.ts';

test('while policies change and agents and data planes die, nothing passes that no version allows', () => {
  const main = path.join(projectRoot, 'test/soak/policy/main.ts');
  // How long the other node takes to know a pod's new identity is not told, and on a busy machine no time is long enough.
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--minutes', '0.5', '--keep-labels'], {
    encoding: 'utf8',
    timeout: 200_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /no version in force allowed it: 0\n/);
});
