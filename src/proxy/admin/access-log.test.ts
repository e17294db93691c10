import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, formatIssue } from '../../base/index.ts';
import { BootstrapError, checkBootstrap, startProxy } from '../proxy.ts';

const log = createLogger('admin-log-test');
log.level = 'silent';
const FILE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';

const at = (host: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  admin: { address: { socket_address: { address: host, port_value: 0 } }, ...more },
});

function ask(address: string, url: string, body?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { method: body === undefined ? 'GET' : 'POST', agent: false };
    const request = http.request(`http://${address}${url}`, options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// The lines are those of Envoy 1.40 for the same requests, but for the size of its own help text.
test('requests to the admin interface are logged', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'admin-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const format =
    '%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% ' +
    '%BYTES_SENT% %RESP(CONTENT-TYPE)% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(X-REQUEST-ID)% %UPSTREAM_HOST% ' +
    '%ACCESS_LOG_TYPE%\n';
  const file = {
    name: 'file',
    typed_config: {
      '@type': FILE,
      path: `${folder}/a.log`,
      log_format: { text_format_source: { inline_string: format } },
    },
  };
  const bootstrap = at('127.0.0.1', { access_log: [file], access_log_path: `${folder}/b.log` });
  const proxy = await startProxy({ bootstrap, log, logFlushMs: 1 });
  const { adminAddress = '' } = proxy;
  await ask(adminAddress, '/ready');
  await ask(adminAddress, '/nope?x=1');
  await ask(adminAddress, '/reset_counters', 'abc');
  let lines: readonly string[] = [];
  for (let tries = 0; lines.length < 3 && tries < 100; tries++) {
    await sleep(10);
    lines = (await readFile(`${folder}/a.log`, 'utf8')).split('\n').slice(0, -1);
  }
  assert.deepEqual(
    lines.map((line) => line.replace(/(404 \S+ \S+ 0) \d+/, '$1 N')),
    [
      'GET /ready HTTP/1.1 200 - admin_filter_response 0 5 text/plain; charset=UTF-8 127.0.0.1 - - DownstreamEnd',
      'GET /nope?x=1 HTTP/1.1 404 - admin_filter_response 0 N text/plain; charset=UTF-8 127.0.0.1 - - DownstreamEnd',
      'POST /reset_counters HTTP/1.1 200 - admin_filter_response 3 3 text/plain; charset=UTF-8 127.0.0.1 - - DownstreamEnd',
    ],
  );
  await proxy.stop(0);
  const usual = await readFile(`${folder}/b.log`, 'utf8');
  assert.match(usual, /^\[\S+\] "GET \/ready HTTP\/1\.1" 200 - 0 5 \d+ - "\S+" "-" "-" "127\.0\.0\.1:\d+" "-"\n/);
});

test('a log that cannot be is refused with its place', async () => {
  const bootstrap = at('127.0.0.1', {
    access_log: [{ name: 'x', typed_config: { '@type': FILE, path: '/nope/x.log' } }],
  });
  const issues = await checkBootstrap({ bootstrap, log });
  assert.match(issues.map(formatIssue).join('\n'), /^admin\.access_log\[0\]\.typed_config\.path: /);
});

test('the admin interface stays on loopback unless it is told otherwise', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    const refused = startProxy({ bootstrap: at(host), log });
    await assert.rejects(refused, (error: unknown) => {
      assert.ok(error instanceof BootstrapError);
      assert.match(error.message, /^admin\.address\.socket_address\.address: .* is no loopback address/);
      return true;
    });
    assert.equal((await checkBootstrap({ bootstrap: at(host), log })).length, 1);
    assert.deepEqual(await checkBootstrap({ bootstrap: at(host), log, adminAnyAddress: true }), []);
  }
  const proxy = await startProxy({ bootstrap: at('0.0.0.0'), log, adminAnyAddress: true });
  assert.match(proxy.adminAddress ?? '', /^0\.0\.0\.0:\d+$/);
  await proxy.stop(0);
});
