import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { createClient, type KubeClient } from './client.ts';
import { connectToPod } from './port-forward.ts';
import { testServer } from './test-support.ts';

async function start(t: TestContext, onSession: (socket: WebSocket, url: URL) => void): Promise<KubeClient> {
  const server = await testServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true });
  server.server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const url = new URL(request.url ?? '/', 'https://test');
    if (url.pathname.includes('/absent/')) {
      const status = JSON.stringify({
        status: 'Failure',
        code: 404,
        reason: 'NotFound',
        message: 'pods "absent" not found',
      });
      socket.end(`HTTP/1.1 404 Not Found\r\nContent-Length: ${status.length}\r\nConnection: close\r\n\r\n${status}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => onSession(accepted, url));
  });
  const client = createClient(server.access);
  t.after(async () => {
    client.close();
    for (const socket of sockets.clients) socket.terminate();
    await server.close();
  });
  return client;
}

const frame = (channel: number, content: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(content)]);
const port = Buffer.from([0x95, 0x10]);
const target = { namespace: 'kube-system', pod: 'relay', port: 4245 };

test('bytes come and go on the data channel, without the port that is said first', async (t) => {
  let asked = '';
  const client = await start(t, (socket, url) => {
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
  const client = await start(t, (socket) => {
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
