import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { eventually, type TestCluster, testCluster } from './cluster.ts';

let cluster: TestCluster;
let page: URL;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  page = new URL(/http:\/\/localhost:\d+\//.exec(up.stdout)?.[0] ?? '');
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

/** The answer, or as much of it as has come when `enough` says so. */
function get(path: string, headers: Record<string, string> = {}, enough = (_text: string) => false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: page.port, path, headers, timeout: 20_000 }, (response) => {
      let text = '';
      const done = () => {
        resolve({ status: response.statusCode, text });
        request.destroy();
      };
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (enough(text)) done();
      });
      response.on('end', done);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
  });
}

test('the cluster serves the page for flows by itself, to this machine only', async () => {
  const whole = await get('/');
  assert.equal(whole.status, 200, whole.text);
  assert.match(whole.text, /<title>/);
  assert.equal((await get('/', { host: 'example.org' })).status, 403);
  const status = await cluster.ciliate('status');
  assert.match(status.stdout, new RegExp(`Page of flows: ${page.href}`));
});

test('it shows the flows of all nodes, filtered as by hubble observe', async () => {
  await eventually(
    () => get('/api/namespaces'),
    ({ text }) => text.includes('kube-system'),
  );
  const source = await get('/api/source');
  assert.deepEqual((JSON.parse(source.text) as { kind: string }).kind, 'live');
  const stream = await get(
    '/api/flows?filter=--namespace%20kube-system',
    {},
    (text) => text.includes('kube-system/') || text.includes('"namespace":"kube-system"'),
  );
  assert.equal(stream.status, 200);
  assert.match(stream.text, /kube-system/);
  const wrong = await get('/api/flows?filter=--nope', {}, (text) => text.includes('unknown filter'));
  assert.match(wrong.text, /unknown filter --nope/);
});
