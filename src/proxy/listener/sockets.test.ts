import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Issue } from '../../base/index.ts';
import { type Address, readAddress } from '../config/address.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { openServer, type SocketSettings } from './sockets.ts';

const PLAIN: SocketSettings = { transparent: false, freebind: false, reusePort: true, backlog: 16, options: [] };

function addressOf(json: JsonObject): Address {
  const issues: Issue[] = [];
  const address = readMessage(json, '', issues, readAddress);
  assert.deepEqual(issues, []);
  assert.ok(address);
  return address;
}

async function open(t: { after(end: () => void): void }, address: Address, settings = PLAIN): Promise<net.Server> {
  const opened = await openServer(address, settings, undefined, (socket) => socket.end('x'));
  assert.ok(opened.ok, opened.ok ? '' : opened.error);
  t.after(() => void opened.value.close());
  return opened.value;
}

/** Whether 127.0.0.1 answers at the port. */
async function takesIpv4(server: net.Server): Promise<boolean> {
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const connected = new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  const answer = await Promise.race([connected, sleep(2000, false)]);
  socket.destroy();
  return answer;
}

for (const compat of [false, true]) {
  for (const freebind of [false, true]) {
    test(`an IPv6 listener ${compat ? 'takes' : 'does not take'} IPv4${freebind ? ', freely bound' : ''}`, async (t) => {
      const address = addressOf({ socket_address: { address: '::', port_value: 0, ipv4_compat: compat } });
      const server = await open(t, address, { ...PLAIN, freebind, reusePort: false });
      assert.equal(await takesIpv4(server), compat);
    });
  }
}

test('a Unix socket gets the mode that is asked for', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sockets-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 's.sock');
  await open(t, addressOf({ pipe: { path: file, mode: 0o640 } }));
  assert.equal((await stat(file)).mode & 0o777, 0o640);
});

test('an abstract socket has no mode', () => {
  const issues: Issue[] = [];
  readMessage({ pipe: { path: '@x', mode: 0o640 } }, '', issues, readAddress);
  assert.deepEqual(issues, [{ path: 'pipe.mode', message: 'cannot be set for an abstract socket', allowed: '0' }]);
});
