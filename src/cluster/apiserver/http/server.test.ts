import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { issueCertificate } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { startTestServer, type TestServer } from '../testing/dev-server.ts';
import { createCertificateAuthority } from '../tls/authority.ts';

interface Answer {
  readonly code: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every kind are read by the tests
  readonly body: any;
}

interface Call {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly client?: { readonly certificate: string; readonly privateKey: string } | undefined;
}

let directory = '';
let server: TestServer;

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'apiserver-http-'));
  server = await startTestServer(directory);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(url: string, call: Call = {}): https.RequestOptions {
  const client = 'client' in call ? call.client : server.client;
  return {
    host: '127.0.0.1',
    port: server.port,
    path: url,
    ca: server.authority.certificate,
    agent: false,
    method: call.method ?? 'GET',
    headers: {
      ...(call.type ? { 'Content-Type': call.type } : {}),
      ...(call.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(call.body)) }),
      ...call.headers,
    },
    ...(client ? { cert: client.certificate, key: client.privateKey } : {}),
  };
}

function send(url: string, call: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(open(url, call), (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => {
        let body: unknown;
        try {
          body = JSON.parse(text);
        } catch {
          body = undefined;
        }
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    request.on('error', reject);
    request.end(call.body);
  });
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = {}) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }) as KubernetesObject;
const post = (object: unknown, query = '') =>
  send(`${CONFIG_MAPS}${query}`, { method: 'POST', type: 'application/json', body: JSON.stringify(object) });

describe('who may speak', () => {
  test('no certificate: 401, for every path', async () => {
    for (const url of ['/healthz', '/version', CONFIG_MAPS]) {
      const answer = await send(url, { client: undefined });
      assert.deepEqual([answer.code, answer.body.reason], [401, 'Unauthorized']);
    }
  });

  test('a certificate of another authority with the same name: 401', async () => {
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'apiserver-other-ca-'));
    const other = await createCertificateAuthority(elsewhere);
    rmSync(elsewhere, { recursive: true });
    const client = await issueCertificate(other, { commonName: 'admin', usage: 'client' });
    assert.equal((await send('/version', { client })).code, 401);
  });

  test('reviews name the holder of the certificate', async () => {
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    const url = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const answer = await send(url, { method: 'POST', type: 'application/json', body });
    assert.equal(answer.body.status.userInfo.username, 'admin');
  });
});

describe('hostile requests', () => {
  const deep = `{"data":${'{"a":'.repeat(400)}1${'}'.repeat(400)}}`;
  const cases: readonly [name: string, url: string, call: Call, code: number][] = [
    ['a body over the limit', CONFIG_MAPS, { method: 'POST', body: Buffer.alloc(4 * 1024 * 1024, 0x20) }, 413],
    ['deep nesting', CONFIG_MAPS, { method: 'POST', body: deep }, 400],
    ['a prototype key', CONFIG_MAPS, { method: 'POST', body: '{"metadata":{"name":"p","__proto__":{"x":1}}}' }, 400],
    ['no JSON', CONFIG_MAPS, { method: 'POST', body: '<xml/>' }, 400],
    ['a list as object', CONFIG_MAPS, { method: 'POST', body: '[1]' }, 400],
    ['metadata of the wrong type', CONFIG_MAPS, { method: 'POST', body: '{"metadata":[]}' }, 400],
    ['labels of the wrong type', CONFIG_MAPS, { method: 'POST', body: '{"metadata":{"name":"p","labels":"x"}}' }, 400],
    [
      'owner references of the wrong type',
      CONFIG_MAPS,
      { method: 'POST', body: '{"metadata":{"name":"p","ownerReferences":{}}}' },
      400,
    ],
    ['another kind', CONFIG_MAPS, { method: 'POST', body: '{"kind":"Pod","apiVersion":"v1"}' }, 400],
    ['an unknown media type', CONFIG_MAPS, { method: 'POST', type: 'application/cbor', body: 'x' }, 415],
    [
      'a malformed protobuf',
      CONFIG_MAPS,
      { method: 'POST', type: 'application/vnd.kubernetes.protobuf', body: 'k8s\0\xff' },
      400,
    ],
    ['a name with a slash', `${CONFIG_MAPS}/a%2fb`, {}, 404],
    ['a path that is not text', `${CONFIG_MAPS}/%ff`, {}, 404],
    ['an unknown resource', '/api/v1/namespaces/default/unknowns', {}, 404],
    ['a namespace on a cluster kind', '/api/v1/namespaces/default/nodes', {}, 404],
    ['a method that is not there', CONFIG_MAPS, { method: 'PUT' }, 405],
    ['a selector that is none', `${CONFIG_MAPS}?labelSelector=${encodeURIComponent('a in (')}`, {}, 400],
    ['a field that is not indexed', `${CONFIG_MAPS}?fieldSelector=data.x%3Dy`, {}, 400],
    ['a made-up continue token', `${CONFIG_MAPS}?limit=1&continue=xyz`, {}, 400],
    [
      'a dry run that is none',
      `${CONFIG_MAPS}?dryRun=Some`,
      { method: 'POST', body: '{"metadata":{"name":"p"}}' },
      400,
    ],
    ['exec without upgrade', '/api/v1/namespaces/default/pods/x/exec', { method: 'POST' }, 400],
  ];
  for (const [name, url, call, code] of cases) {
    test(`${name}: ${code}`, async () => {
      const answer = await send(url, { type: 'application/json', ...call });
      assert.equal(answer.code, code, answer.text);
      assert.equal(answer.body.kind, 'Status');
      assert.doesNotMatch(answer.text, /\.ts:\d/);
    });
  }

  test('headers over the limit end the request', async () => {
    await send('/version', { headers: { 'X-Long': 'x'.repeat(64 * 1024) } }).then(
      ({ code }) => assert(code === 431 || code === 400),
      () => undefined,
    );
    assert.equal((await send('/version')).code, 200);
  });

  test('bytes that are no TLS do not disturb others', async () => {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise<void>((done) => {
      socket.on('close', () => done());
      socket.end('GET / HTTP/1.1\r\n\r\n');
    });
    assert.equal((await send('/healthz')).text, 'ok');
  });
});

describe('reading', () => {
  before(() => {
    for (const name of ['l1', 'l2', 'l3']) server.store.create('configmaps', configMap(name));
  });

  test('pages', async () => {
    const names: string[] = [];
    let next = '';
    do {
      const answer = await send(`${CONFIG_MAPS}?limit=2${next && `&continue=${next}`}`);
      assert(answer.body.items.length <= 2);
      names.push(...answer.body.items.map((item: KubernetesObject) => item.metadata.name));
      next = answer.body.metadata.continue ?? '';
    } while (next !== '');
    assert.deepEqual(
      names.filter((name) => name.startsWith('l')),
      ['l1', 'l2', 'l3'],
    );
  });

  test('tables and metadata by Accept', async () => {
    const asTable = await send(`${CONFIG_MAPS}/l1`, {
      headers: { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    assert.deepEqual(asTable.body.rows[0].cells.slice(0, 2), ['l1', 0]);
    const metadata = await send(CONFIG_MAPS, {
      headers: { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
    });
    assert.equal(metadata.body.items[0].data, undefined);
  });

  test('discovery names its type exactly', async () => {
    const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const answer = await send('/apis', { headers: { Accept: `${type},application/json` } });
    assert.equal(answer.headers['content-type'], type);
    assert.equal((await send('/api/v1')).body.kind, 'APIResourceList');
    assert.equal((await send('/apis')).body.kind, 'APIGroupList');
  });
});

describe('writing', () => {
  test('dry run stores nothing', async () => {
    const revision = server.store.revision;
    assert.equal((await post(configMap('dry'), '?dryRun=All')).code, 201);
    assert.equal(server.store.get('configmaps', 'default', 'dry'), undefined);
    assert.equal(server.store.revision, revision);
  });

  test('unknown and duplicate fields: refused, warned of, or dropped', async () => {
    const text = JSON.stringify({ ...configMap('warn'), extra: 1 }).replace('"data":{}', '"data":{},"data":{"a":"b"}');
    const sendText = (mode: string) =>
      send(`${CONFIG_MAPS}?dryRun=All&fieldValidation=${mode}`, {
        method: 'POST',
        type: 'application/json',
        body: text,
      });
    const strict = await sendText('Strict');
    assert.match(strict.body.message, /strict decoding error: duplicate field "data", unknown field "extra"/);
    const warned = await sendText('Warn');
    assert.equal(warned.code, 201);
    assert.match(String(warned.headers['warning']), /299 - "duplicate field \\"data\\""/);
    assert.equal((await sendText('Ignore')).headers['warning'], undefined);
  });

  test('422 has a cause per field', async () => {
    const answer = await post({ ...configMap('Bad_Name'), metadata: { name: 'Bad_Name', labels: { a: '-' } } });
    assert.equal(answer.code, 422);
    assert.deepEqual(
      answer.body.details.causes.map((cause: { field: string }) => cause.field),
      ['metadata.name', 'metadata.labels[a]'],
    );
  });

  test('JSON patch, merge patch and YAML', async () => {
    server.store.create('configmaps', configMap('patched', { a: '1' }));
    const url = `${CONFIG_MAPS}/patched`;
    const patch = (type: string, body: string) => send(url, { method: 'PATCH', type, body });
    const add = '[{"op":"add","path":"/data/b","value":"2"}]';
    assert.deepEqual((await patch('application/json-patch+json', add)).body.data, { a: '1', b: '2' });
    assert.equal((await patch('application/json-patch+json', '[{"op":"remove","path":"/no/such"}]')).code, 422);
    assert.deepEqual((await patch('application/merge-patch+json', '{"data":{"a":null}}')).body.data, { b: '2' });
    const yaml = 'data:\n  c: "3"\nmetadata: {name: patched}\n';
    assert.deepEqual((await send(url, { method: 'PUT', type: 'application/yaml', body: yaml })).body.data, { c: '3' });
  });

  test('delete options in the body and the query', async () => {
    server.store.create('configmaps', configMap('gone'));
    const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } });
    const url = `${CONFIG_MAPS}/gone`;
    assert.equal((await send(url, { method: 'DELETE', type: 'application/json', body })).code, 409);
    assert.equal((await send(`${url}?propagationPolicy=Sometimes`, { method: 'DELETE' })).code, 400);
    const answer = await send(url, { method: 'DELETE' });
    assert.deepEqual([answer.body.status, answer.body.details.name], ['Success', 'gone']);
  });
});

describe('watching', () => {
  /** Reads a watch until `until` says enough. */
  const watch = (query: string, until: (events: { type: string; object: KubernetesObject }[]) => boolean) =>
    new Promise<{ type: string; object: KubernetesObject }[]>((resolve, reject) => {
      const events: { type: string; object: KubernetesObject }[] = [];
      const request = https.get(open(`${CONFIG_MAPS}?watch=true&${query}`), (response) => {
        let rest = '';
        response.on('data', (chunk) => {
          const lines = (rest + String(chunk)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) events.push(JSON.parse(line));
          if (until(events)) request.destroy();
        });
        response.on('close', () => resolve(events));
        response.on('error', () => undefined);
      });
      request.on('error', reject);
    });

  test('WatchList: present objects, then the bookmark that says so', async () => {
    const query =
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=none';
    const [bookmark] = await watch(query, (events) => events.length > 0);
    assert.equal(bookmark?.type, 'BOOKMARK');
    assert.equal(bookmark?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
  });

  test('an object that starts or stops to match is ADDED or DELETED', async () => {
    const object = server.store.create('configmaps', configMap('moving'));
    const seen = watch(
      `labelSelector=on%3Dyes&resourceVersion=${server.store.revision}`,
      (events) => events.length === 3,
    );
    const on = server.store.update('configmaps', {
      ...object,
      metadata: { ...object.metadata, labels: { on: 'yes' } },
    });
    const changed = server.store.update('configmaps', { ...on, data: { a: 'b' } });
    server.store.update('configmaps', { ...changed, metadata: { ...changed.metadata, labels: {} } });
    assert.deepEqual(
      (await seen).map(({ type }) => type),
      ['ADDED', 'MODIFIED', 'DELETED'],
    );
  });

  test('ends in time', async () => {
    assert.deepEqual(await watch(`timeoutSeconds=1&resourceVersion=${server.store.revision}`, () => false), []);
  });

  test('a version before the history: 410', async () => {
    const answer = await send(`${CONFIG_MAPS}?watch=true&resourceVersion=0000`);
    assert.equal(answer.code, 410);
    assert.equal(answer.body.reason, 'Expired');
  });
});

test('one server listens on several sockets, among them one of the caller', async () => {
  const own = net.createServer();
  await new Promise<void>((done) => own.listen(0, '127.0.0.1', done));
  const { port } = await server.server.listenOn(own);
  assert.notEqual(port, server.port);
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    https.get({ ...open('/healthz'), port }, ({ statusCode }) => resolve(statusCode)).on('error', reject);
  });
  assert.equal(answer, 200);
});
