import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { httpListener, ROUTER, routes, runProxy } from '../../src/proxy/testing/harness.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** As the set-up installs it, else as the machine has it. */
const program = [
  ...globSync(path.join(root, 'node_modules/.cache/h2spec/*')),
  ...(process.env['PATH'] ?? '').split(':'),
  path.join(os.homedir(), 'go/bin'),
]
  .map((folder) => path.join(folder, 'h2spec'))
  .find((file) => existsSync(file));
const skip =
  program === undefined
    ? 'THERE IS NO H2SPEC: go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible'
    : false;

const INVALID_PREFACE = 'Sends invalid connection preface';

/** Requests are answered once they are whole: to a stream that has ended already, what h2spec sends too much of may come too late to matter. */
const BUFFER = {
  name: 'buffer',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer',
    max_request_bytes: 65_536,
  },
};

/** Names of the cases that fail, by what h2spec says of a listener with that codec. */
async function failures(codec: string): Promise<{ readonly summary: string; readonly failed: readonly string[] }> {
  const body = { inline_string: 'a body of some length' };
  const manager = {
    codec_type: codec,
    delayed_close_timeout: '0.1s',
    http_filters: [BUFFER, ROUTER],
    ...routes([{ match: { prefix: '/' }, direct_response: { status: 200, body } }]),
  };
  const proxy = await runProxy(httpListener('l', manager), []);
  try {
    const text = await new Promise<string>((resolve) => {
      const args = ['-h', '127.0.0.1', '-p', String(proxy.port), '--timeout', '5'];
      execFile(program as string, args, { timeout: 120_000 }, (_, stdout) => resolve(stdout));
    });
    const list = text.slice(text.indexOf('Failures:'));
    return {
      summary: /\d+ tests, .*$/m.exec(text)?.[0] ?? text.slice(-1000),
      failed: text.includes('Failures:') ? [...list.matchAll(/× \d+: (.*)/g)].map((match) => match[1] as string) : [],
    };
  } finally {
    await proxy.stop(0);
  }
}

test('HTTP/2 is as RFC 9113 and RFC 7541 have it, by the word of h2spec', { skip, timeout: 150_000 }, async () => {
  assert.deepEqual(await failures('HTTP2'), { summary: '145 tests, 145 passed, 0 skipped, 0 failed', failed: [] });
});

// What is no preface of HTTP/2 may be HTTP/1 there: it is answered with 400 as in Envoy, where h2spec waits for no byte.
test('where HTTP/1 is spoken too, only another preface is another matter', { skip, timeout: 150_000 }, async () => {
  assert.deepEqual(await failures('AUTO'), {
    summary: '145 tests, 144 passed, 0 skipped, 1 failed',
    failed: [INVALID_PREFACE],
  });
});
