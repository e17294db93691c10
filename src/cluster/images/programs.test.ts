import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { imageCatalogue } from './catalogue.ts';

let server: ChildProcess;
let base: string;

before(async () => {
  const probe = net.createServer().listen(0);
  await once(probe, 'listening');
  const address = probe.address();
  assert.ok(address !== null && typeof address === 'object');
  probe.close();
  await once(probe, 'close');
  const [command = '', ...args] = imageCatalogue().find('ciliate.dev/echo')?.entrypoint ?? [];
  server = spawn(command, args, { env: { PORT: String(address.port) }, stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(server.stdout);
  await once(server.stdout, 'data');
  base = `http://127.0.0.1:${address.port}`;
});

after(() => server.kill());

test('the echo server answers as json-mock does', async () => {
  const secret = { authorization: 'Bearer 123456' };
  const cases: readonly (readonly [string, string, number, RegExp, Record<string, string>?])[] = [
    ['GET', '/', 200, /^<!doctype html>/],
    ['GET', '/public', 200, /public information/],
    ['GET', '/private?x=1', 200, /secret information/],
    ['POST', '/public', 201, /"a": 1/],
    ['POST', '/private', 201, /"a": 1/],
    ['GET', '/client-ip', 200, /"client-ip": "127.0.0.1"/],
    ['GET', '/hostname', 200, /"hostname": /],
    ['GET', '/auth-header-required', 401, /Unauthorized/],
    ['POST', '/auth-header-required', 201, /\{\}/, secret],
    ['GET', '/auth-header-required', 200, /\{\}/, secret],
    ['GET', '/foo', 404, /^\{\}$/],
    ['DELETE', '/', 404, /^\{\}$/],
  ];
  for (const [method, path, status, body, headers] of cases) {
    const response = await fetch(base + path, {
      method,
      ...(headers ? { headers } : {}),
      ...(method === 'POST' ? { body: '{"a":1}' } : {}),
    });
    assert.equal(response.status, status, `${method} ${path}`);
    assert.match(await response.text(), body, `${method} ${path}`);
  }
});

test('a body that never ends is cut off', async () => {
  await assert.rejects(fetch(`${base}/public`, { method: 'POST', body: 'x'.repeat(3 << 20) }));
});
