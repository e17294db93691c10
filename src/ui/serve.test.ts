import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fail, ok } from '../base/index.ts';
import type { GetFlowsResponse } from '../model/flow/index.ts';
import { serveUi, type UiServing } from './serve.ts';
import { recordedSource } from './source.ts';

let serving: UiServing;
const page = mkdtempSync(path.join(tmpdir(), 'ciliate-page-'));

before(async () => {
  mkdirSync(path.join(page, 'assets'));
  writeFileSync(path.join(page, 'index.html'), '<!doctype html>');
  writeFileSync(path.join(page, 'assets/a.js'), '1');
  writeFileSync(path.join(page, 'secret.pem'), 'no');
  serving = await serveUi({
    port: 0,
    page,
    source: {
      ...recordedSource('test', async function* ({ whitelist }) {
        const flows: GetFlowsResponse[] = [
          { flow: { uuid: 'a', verdict: 1 } },
          { lost_events: { num_events_lost: 7 } },
          { flow: { uuid: 'b\n', verdict: 2 } },
        ];
        yield* whitelist.length === 0 ? flows : flows.slice(2);
      }),
      namespaces: async () => ['bank', 'shop'],
    },
    readFilters: (text) => {
      if (text === 'bad') return fail('no such flag');
      const filters = text === 'port' ? [{ source_port: ['x'] }] : text === '' ? [] : [{ verdict: [2] }];
      return ok({ whitelist: filters, blacklist: [] });
    },
  });
});

after(async () => {
  await serving.close();
  rmSync(page, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(target, serving.url.replace('localhost', '127.0.0.1'));
    const asked = request(url, { method, headers: { host: url.host, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on('error', reject).end();
  });
}

const refusals: readonly {
  readonly name: string;
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly status: number;
}[] = [
  { name: 'another name that resolves here', target: '/', headers: { host: 'evil.example:80' }, status: 403 },
  { name: 'a name that only begins as ours', target: '/', headers: { host: 'localhost.evil.example' }, status: 403 },
  {
    name: 'a script of another site',
    target: '/api/flows',
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    status: 403,
  },
  { name: 'a post', target: '/', method: 'POST', status: 405 },
  { name: 'a path out of the page', target: '/../serve.ts', status: 404 },
  { name: 'a file that is no part of a page', target: '/secret.pem', status: 404 },
];

for (const { name, target, headers = {}, method, status } of refusals) {
  test(`${name} is refused`, async () => assert.equal((await ask(target, headers, method)).status, status));
}

test('the page comes with a policy that lets it load nothing from elsewhere', async () => {
  const { status, headers, text } = await ask('/');
  assert.deepEqual([status, text], [200, '<!doctype html>']);
  assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self'/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.match(String((await ask('/assets/a.js')).headers['cache-control']), /immutable/);
});

test('the page learns what it shows without waiting for a Hubble, and its namespaces apart from that', async () => {
  assert.deepEqual(JSON.parse((await ask('/api/source')).text), { kind: 'recording', name: 'test' });
  assert.deepEqual(JSON.parse((await ask('/api/namespaces')).text), ['bank', 'shop']);
});

test('flows come as events, one JSON a line, with what was lost before', async () => {
  const { headers, text } = await ask('/api/flows');
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(
    text,
    'event: flows\ndata: {"uuid":"a","verdict":"FORWARDED"}\ndata: {"uuid":"b\\n","verdict":"DROPPED"}\n\n' +
      'event: lost\ndata: {"browser":0,"server":7}\n\nevent: end\ndata: {}\n\n',
  );
});

test('the filter reaches the source', async () => {
  const { text } = await ask('/api/flows?filter=dropped');
  assert.ok(text.includes('DROPPED') && !text.includes('FORWARDED'), text);
});

for (const { filter, says } of [
  { filter: 'bad', says: 'no such flag' },
  { filter: 'port', says: 'invalid' },
  { filter: 'x'.repeat(5000), says: 'longer than 4096' },
]) {
  test(`a filter that cannot be is told: ${says}`, async () => {
    const { text } = await ask(`/api/flows?filter=${filter}`);
    const [, data = '{}'] = /^event: fault\ndata: (.*)\n\n$/.exec(text) ?? [];
    const { message = '', retry } = JSON.parse(data) as { message?: string; retry?: boolean };
    assert.ok(message.includes(says), text);
    assert.equal(retry, false);
  });
}
