import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connectToPod } from './port-forward.ts';
import { podClient } from './test-support.ts';

const frame = (channel: number, content: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(content)]);
const port = Buffer.from([0x95, 0x10]);
const target = { namespace: 'kube-system', pod: 'relay', port: 4245 };

test('bytes come and go on the data channel, without the port that is said first', async (t) => {
  let asked = '';
  const client = await podClient(t, (socket, url) => {
    asked = url.pathname + url.search;
    socket.send(frame(0, port.subarray(0, 1)));
    socket.send(frame(1, port));
    socket.send(frame(0, Buffer.concat([port.subarray(1), Buffer.from('he')])));
    socket.on('message', (message: Buffer) => {
      socket.send(frame(0, `llo ${message.subarray(1)}`));
      socket.close(1000);
    });
  });
  const connected = await connectToPod(client, target);
  assert.ok(connected.ok);
  connected.value.write('you');
  let text = '';
  for await (const chunk of connected.value) text += String(chunk);
  assert.equal(text, 'hello you');
  assert.equal(asked, '/api/v1/namespaces/kube-system/pods/relay/portforward?ports=4245');
});

test('what is wrong is told: before as a refusal, later as an error of the stream', async (t) => {
  const client = await podClient(t, (socket) => {
    socket.send(frame(1, Buffer.concat([port, Buffer.from('connection refused')])));
  });
  const refused = await connectToPod(client, { ...target, pod: 'absent' });
  assert.ok(!refused.ok);
  assert.equal(refused.error.message, 'pods "absent" not found');
  const connected = await connectToPod(client, target);
  assert.ok(connected.ok);
  const { errored } = connected.value;
  const [error] = errored ? [errored] : ((await once(connected.value, 'error')) as [Error]);
  assert.equal(error.message, 'connection refused');
});
