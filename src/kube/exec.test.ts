import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { execInPod, runInPod } from './exec.ts';
import { podClient } from './test-support.ts';

const frame = (channel: number, text: string): Buffer => Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);

function finish(socket: WebSocket, exitCode: number): void {
  const causes = [{ reason: 'ExitCode', message: String(exitCode) }];
  const failure = { status: 'Failure', reason: 'NonZeroExitCode', message: 'failed', details: { causes } };
  socket.send(frame(3, JSON.stringify(exitCode === 0 ? { status: 'Success' } : failure)));
  socket.close(1000);
}

const target = { namespace: 'shop', pod: 'web', command: ['sh', '-c', 'exit 7'] };

test('output, error output and exit code of a command', async (t) => {
  let asked = '';
  const client = await podClient(t, (socket, url) => {
    asked = url.pathname + url.search;
    socket.send(frame(1, 'out'));
    socket.send(frame(2, 'err'));
    finish(socket, 7);
  });
  const done = await runInPod(client, target);
  assert.deepEqual(done, { ok: true, value: { exitCode: 7, stdout: 'out', stderr: 'err' } });
  assert.equal(
    asked,
    '/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=exit+7&stdin=false&stdout=true&stderr=true&tty=false',
  );
});

test('input reaches the command and its end is told', async (t) => {
  const client = await podClient(t, (socket) => {
    let input = '';
    socket.on('message', (data: Buffer) => {
      if (data[0] === 0) input += data.subarray(1).toString();
      if (data[0] !== 255) return;
      assert.equal(data[1], 0);
      socket.send(frame(1, input.toUpperCase()));
      finish(socket, 0);
    });
  });
  const done = await runInPod(client, { ...target, input: 'hello' });
  assert.deepEqual(done, { ok: true, value: { exitCode: 0, stdout: 'HELLO', stderr: '' } });
});

test('a terminal is resized', async (t) => {
  const client = await podClient(t, (socket) => {
    socket.on('message', (data: Buffer) => {
      if (data[0] !== 4) return;
      socket.send(frame(1, data.subarray(1).toString()));
      finish(socket, 0);
    });
  });
  const started = await execInPod(client, { ...target, tty: true, stdin: true });
  assert.ok(started.ok);
  started.value.resize(111, 33);
  let text = '';
  for await (const chunk of started.value.stdout) text += chunk;
  assert.equal(text, '{"Width":111,"Height":33}');
  assert.deepEqual(await started.value.exit, { ok: true, value: 0 });
});

test('a slow reader gets everything', async (t) => {
  const size = 3_000_000;
  const client = await podClient(t, (socket) => {
    for (let sent = 0; sent < size; sent += 30_000) socket.send(frame(1, 'x'.repeat(30_000)));
    finish(socket, 0);
  });
  const done = await runInPod(client, target);
  assert.equal(done.ok && done.value.stdout.length, size);
});

test('a refusal carries the Status; a failed start, a lost connection and a cancel are told apart', async (t) => {
  let ending: (socket: WebSocket) => void = () => undefined;
  const client = await podClient(t, (socket) => ending(socket));
  const absent = await execInPod(client, { ...target, pod: 'absent' });
  assert.equal(absent.ok ? '' : `${absent.error.code} ${absent.error.message}`, '404 pods "absent" not found');

  ending = (socket) => {
    socket.send(
      frame(3, JSON.stringify({ status: 'Failure', reason: 'InternalError', code: 500, message: 'no such command' })),
    );
    socket.close(1000);
  };
  const failed = await runInPod(client, target);
  assert.equal(failed.ok ? '' : failed.error.message, 'no such command');

  ending = (socket) => socket.terminate();
  const lost = await runInPod(client, target);
  assert.equal(lost.ok ? '' : lost.error.reason, 'Unreachable');

  const cancel = new AbortController();
  ending = () => cancel.abort();
  const cancelled = await runInPod(client, { ...target, signal: cancel.signal });
  assert.equal(cancelled.ok ? '' : cancelled.error.reason, 'Aborted');
});
