import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
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

test('ping asks for an echo and says what came back', async () => {
  const program = path.join(import.meta.dirname, 'programs/ping.cjs');
  const ping = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  const allowed = !ping('-c', '1', '-W', '1', '127.0.0.1').stderr.includes('not permitted');
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['-c', '1', '-W', '1', '127.0.0.1'], allowed ? 0 : 2, allowed ? /icmp_seq=1 ttl=\d+ time=/ : /not permitted/],
    [['-c1', '-w', '1', '240.0.0.1'], allowed ? 1 : 2, allowed ? /100% packet loss/ : /not permitted/],
    [['-c', 'x', '127.0.0.1'], 2, /invalid argument/],
    [['-Z', '127.0.0.1'], 2, /unknown option -Z/],
    [[], 2, /usage/],
  ];
  for (const [args, status, words] of cases) {
    const done = ping(...args);
    assert.match(done.stdout + done.stderr, words, args.join(' '));
    assert.equal(done.status, status, args.join(' '));
  }
});
