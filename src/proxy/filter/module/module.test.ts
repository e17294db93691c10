import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { createLogger, type Issue } from '../../../base/index.ts';
import { until } from '../../../base/testing/index.ts';
import { BootstrapError, checkBootstrap, startProxy } from '../../proxy.ts';
import { Client, httpListener, type Json, ROUTER, routes, startBackend, staticCluster } from '../../testing/harness.ts';
import { filterOf, moduleFilter, run } from './test-support.ts';

const hostile: readonly (readonly [string, string])[] = [
  ['throws', `onRequestHeaders() { throw new Error('no'); }`],
  ['throws what is no error', 'onRequestHeaders() { throw undefined; }'],
  ['throws an object that cannot be text', 'onRequestHeaders() { throw { __proto__: null }; }'],
  ['rejects', `async onRequestHeaders() { throw new Error('no'); }`],
  ['throws after an answer', `onRequestHeaders(context) { context.reply({ status: 200 }); throw new Error('no'); }`],
  ['a thenable that throws', 'onRequestHeaders() { return { then() { throw 1; } } as never; }'],
  ['a then that throws when read', 'onRequestHeaders() { return { get then() { throw 1; } } as never; }'],
  ['a header name with a line feed', `onRequestHeaders({ request }) { request.headers.set('a\\nb', '1'); }`],
  ['an empty header name', `onRequestHeaders({ request }) { request.headers.add('', '1'); }`],
  ['a value that ends the line', `onRequestHeaders({ request }) { request.headers.set('a', '1\\r\\nb: 2'); }`],
  ['a value of other characters', `onRequestHeaders({ request }) { request.headers.set('a', '\\u2028'); }`],
  ['a value that is no text', `onRequestHeaders({ request }) { request.headers.set('a', 1 as never); }`],
  ['a huge value', `onRequestHeaders({ request }) { request.headers.set('a', 'x'.repeat(65_536)); }`],
  [
    'too many fields',
    `onRequestHeaders({ request }) { for (let n = 0; n < 2000; n++) request.headers.add('a', 'x'); }`,
  ],
  ['another framing', `onRequestHeaders({ request }) { request.headers.set('Transfer-Encoding', 'chunked'); }`],
  ['another length', `onRequestHeaders({ request }) { request.headers.remove('content-length'); }`],
  ['a host', `onRequestHeaders({ request }) { request.headers.set('host', 'b'); }`],
  ['a pseudo header', `onRequestHeaders({ request }) { request.headers.set(':path', '/'); }`],
  ['a path with a space', `onRequestHeaders({ request }) { request.path = '/a b'; }`],
  ['a path without a slash', `onRequestHeaders({ request }) { request.path = 'a'; }`],
  ['an authority with a line feed', `onRequestHeaders({ request }) { request.authority = 'a\\r\\nb'; }`],
  ['an answer of status 99', 'onRequestHeaders(context) { context.reply({ status: 99 }); }'],
  ['an answer of half a status', 'onRequestHeaders(context) { context.reply({ status: 200.5 }); }'],
  [
    'an answer with a faulty header',
    `onRequestHeaders(context) { context.reply({ status: 200, headers: { 'a b': '1' } }); }`,
  ],
  [
    'an answer whose body is no text',
    'onRequestHeaders(context) { context.reply({ status: 200, body: 5 as never }); }',
  ],
  ['metadata that is no JSON', `onRequestHeaders({ metadata }) { metadata.set('a', (() => 1) as never); }`],
  ['a response that fails', `onResponseHeaders() { throw new Error('no'); }`],
  ['a response that rejects', `async onResponseHeaders() { throw new Error('no'); }`],
  ['a response of status 100', 'onResponseHeaders({ response }) { if (response) response.status = 100; }'],
  ['a body of the response that fails', `onResponseBody() { throw new Error('no'); }`],
  ['a body of the response that is a number', 'onResponseBody() { return 1 as never; }'],
  ['a body that rejects', `async onResponseBody() { throw new Error('no'); }`],
  ['a promised body that is a number', 'async onResponseBody() { return 1 as never; }'],
];

for (const [name, body] of hostile) {
  test(`what a hook does wrong ends its request alone: ${name}`, async (context) => {
    const { client, stats, backend } = await run(context, filterOf(`${body},`));
    const answer = await client.get('/bad');
    assert.deepEqual([answer.status, answer.body], [500, '']);
    assert.deepEqual(
      [(await stats())['errors'], (await stats())['timeouts'], (await stats())['replies']],
      ['1', '0', '0'],
    );
    assert.ok(backend.heads.length <= 1);
    // The connection and the proxy live on.
    assert.equal((await client.get('/')).status, 500);
  });
}

test('with failure_mode_allow the request passes a hook that fails or takes too long', async (context) => {
  const { client, backend, stats } = await run(
    context,
    filterOf(`
      onRequestHeaders({ request }) {
        if (request.path === '/throws') throw new Error('no');
        if (request.path === '/hangs') return new Promise<void>(() => {});
      },
      onRequestBody() { return new Promise<string>(() => {}); },
      onResponseBody() { return 1 as never; },`),
    { fields: { failure_mode_allow: true, timeout: '0.03s' } },
  );
  assert.equal((await client.get('/throws')).body, 'ok');
  assert.equal((await client.get('/hangs')).body, 'ok');
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc');
  assert.equal((await client.read()).body, 'ok');
  assert.equal(backend.bodies[2], 'abc');
  assert.deepEqual([(await stats())['errors'], (await stats())['timeouts']], ['1', '2']);
  assert.equal((await client.get('/')).body, 'ok');
  assert.equal((await stats())['errors'], '2');
});

test('a hook that never settles is timed out, its signal aborts, and what it does later is nothing', async (context) => {
  const { client, stats, backend } = await run(
    context,
    filterOf(`
      onRequestHeaders(context) {
        return new Promise<void>((done, failed) => context.signal.addEventListener('abort', () => {
          context.reply({ status: 200 });
          if (context.request.path === '/fails') failed(new Error('late'));
          else done();
        }));
      },`),
    { fields: { timeout: '0.03s' } },
  );
  for (const target of ['/', '/fails']) assert.equal((await client.get(target)).status, 504);
  assert.deepEqual(
    [(await stats())['timeouts'], (await stats())['replies'], (await stats())['errors']],
    ['2', '0', '0'],
  );
  assert.equal(backend.heads.length, 0);
});

test('a client that leaves ends the request, and onEnd is called once', async (context) => {
  const { client, backend, stats } = await run(
    context,
    filterOf(`
      onRequestHeaders({ state, signal, request }) {
        if (request.path !== '/hangs') return;
        state['hung'] = true;
        signal.addEventListener('abort', () => { state['aborted'] = true; });
        return new Promise<void>(() => {});
      },
      onEnd({ state }) { if (state['hung']) throw new Error('ended ' + state['aborted']); },`),
  );
  assert.equal((await client.get('/')).status, 200);
  client.send('GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n');
  await sleep(30);
  client.close();
  await sleep(30);
  assert.equal((await stats())['errors'], '1');
  assert.equal(backend.heads.length, 1);
});

test('a route switches the filter off or configures it otherwise', async (context) => {
  const perRoute = (config: Json): Json => ({
    tag: { '@type': 'type.googleapis.com/ciliate.filters.http.module.v1.ModulePerRoute', config },
  });
  const list = [
    {
      match: { prefix: '/off' },
      route: { cluster: 'c' },
      typed_per_filter_config: {
        tag: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true },
      },
    },
    { match: { prefix: '/other' }, route: { cluster: 'c' }, typed_per_filter_config: perRoute({ name: 'other' }) },
    { match: { prefix: '/bad' }, route: { cluster: 'c' }, typed_per_filter_config: perRoute({}) },
  ];
  const folder = mkdtempSync(path.join(tmpdir(), 'module-'));
  writeFileSync(
    path.join(folder, 'filter.ts'),
    filterOf(`
      config(raw) { if (typeof raw['name'] !== 'string') throw new Error('name is missing'); return raw['name']; },
      onResponseHeaders({ response, config }) { response?.headers.set('x-name', config); },`),
  );
  const backend = await startBackend();
  const manager = {
    ...routes([...list, { match: { prefix: '/' }, route: { cluster: 'c' } }]),
    http_filters: [moduleFilter('tag', { config: { name: 'own' } }), ROUTER],
  };
  const log = createLogger('module-test');
  log.level = 'silent';
  const proxy = await startProxy({
    bootstrap: {
      static_resources: { listeners: [httpListener('l', manager)], clusters: [staticCluster('c', [backend.port])] },
    },
    log,
    filterModules: [folder],
  });
  const client = new Client(Number(proxy.listenerAddresses('l')[0]?.split(':')[1]));
  context.after(async () => {
    client.close();
    await proxy.stop(0);
    await backend.close();
    rmSync(folder, { recursive: true });
  });
  const named = async (target: string): Promise<readonly [number, string | undefined]> => {
    const { status, headers } = await client.get(target);
    return [status, headers.find((line) => line.startsWith('x-name: '))?.slice(8)];
  };
  assert.deepEqual(await named('/'), [200, 'own']);
  assert.deepEqual(await named('/off'), [200, undefined]);
  assert.deepEqual(await named('/other'), [200, 'other']);
  assert.deepEqual(await named('/bad'), [500, undefined]);
});

async function issuesOf(folders: readonly string[], fields: Json): Promise<readonly Issue[]> {
  const manager = {
    ...routes([{ match: { prefix: '/' }, direct_response: { status: 200 } }]),
    http_filters: [moduleFilter('tag', fields), ROUTER],
  };
  const log = createLogger('module-test');
  log.level = 'silent';
  return checkBootstrap({
    bootstrap: { static_resources: { listeners: [httpListener('l', manager)] } },
    log,
    filterModules: folders,
  });
}

test('what cannot be loaded is refused with the field and what is allowed', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'module-'));
  const folder = path.join(root, 'allowed');
  mkdirSync(folder);
  const write = (name: string, text: string): void => writeFileSync(path.join(root, name), text);
  write('outside.ts', filterOf(''));
  symlinkSync(path.join(root, 'outside.ts'), path.join(folder, 'link.ts'));
  const files: Readonly<Record<string, string>> = {
    'good.ts': filterOf(''),
    'syntax.ts': 'export default {{;',
    'enum.ts': 'enum A { B }\nexport default {};',
    'throws.ts': `throw new Error('at load');`,
    'none.ts': 'export const a = 1;',
    'typo.ts': 'export default { onRequestHeader() {} };',
    'value.ts': 'export default { onEnd: 5 };',
    'import.ts': `import './missing.ts';\nexport default {};`,
    'config.ts': filterOf(`config(): never { throw new Error('name is missing'); }`),
    'late.ts': filterOf(`config: async () => 1`),
  };
  for (const [name, text] of Object.entries(files)) write(`allowed/${name}`, text);
  const place = /\.http_filters\[0\]\.typed_config\.(\w+)$/;
  const table: readonly (readonly [Json, string, RegExp])[] = [
    [{ module: '../outside.ts' }, 'module', /no such file where modules are allowed/],
    [{ module: path.join(root, 'outside.ts') }, 'module', /no such file where modules are allowed/],
    [{ module: 'link.ts' }, 'module', /no such file where modules are allowed/],
    [{ module: '/etc/passwd' }, 'module', /no file of TypeScript/],
    [{ module: 'gone.ts' }, 'module', /no such file/],
    [{ module: 'a\0.ts' }, 'module', /no file of TypeScript/],
    [{ module: 'syntax.ts' }, 'module', /SyntaxError: .*syntax\.ts/],
    [{ module: 'enum.ts' }, 'module', /enum is not supported/],
    [{ module: 'throws.ts' }, 'module', /Error: at load \(.*throws\.ts:1/],
    [{ module: 'none.ts' }, 'module', /export default defineFilter/],
    [{ module: 'typo.ts' }, 'module', /"onRequestHeader"; allowed: config, onRequestHeaders/],
    [{ module: 'value.ts' }, 'module', /onEnd of its filter is not a function/],
    [{ module: 'import.ts' }, 'module', /Cannot find module .*missing\.ts/],
    [{ module: 'config.ts' }, 'config', /config\.ts refuses it: Error: name is missing \(.*config\.ts:3/],
    [{ module: 'late.ts' }, 'config', /must not be async/],
    [{ module: 'good.ts', timeout: '0s' }, 'timeout', /found "0s"/],
    [{ module: 'good.ts', timeout: '301s' }, 'timeout', /found "301s"/],
    [{ module: 'good.ts', max_body_bytes: 0 }, 'max_body_bytes', /found 0/],
    [{ module: 'good.ts', max_body_bytes: 67_108_865 }, 'max_body_bytes', /found 67108865/],
  ];
  try {
    for (const [fields, field, message] of table) {
      const [issue, ...others] = await issuesOf([folder], fields);
      assert.match(issue?.message ?? '', message, JSON.stringify(fields));
      assert.equal(place.exec(issue?.path ?? '')?.[1], field, issue?.path);
      assert.deepEqual(others, []);
    }
    assert.deepEqual(await issuesOf([folder], { module: 'good.ts' }), []);
    assert.deepEqual(await issuesOf([folder], { module: path.join(folder, 'good.ts') }), []);
    const [closed] = await issuesOf([], { module: path.join(folder, 'good.ts') });
    assert.match(closed?.message ?? '', /cannot load .*no module may be loaded/);
    assert.match(closed?.allowed ?? '', /started without --filter-modules/);
    // A file that is mended loads when it is named again.
    write('allowed/throws.ts', filterOf(''));
    write('allowed/missing.ts', '');
    assert.deepEqual(await issuesOf([folder], { module: 'throws.ts' }), []);
    assert.deepEqual(await issuesOf([folder], { module: 'import.ts' }), []);
    assert.match((await issuesOf([folder], { module: '' }))[0]?.path ?? '', /\.module$/);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a proxy does not start with a module that it may not load', async () => {
  const manager = {
    ...routes([{ match: { prefix: '/' }, direct_response: { status: 200 } }]),
    http_filters: [moduleFilter('tag'), ROUTER],
  };
  const starting = startProxy({
    bootstrap: { static_resources: { listeners: [httpListener('l', manager)] } },
    log: createLogger('t'),
  });
  await assert.rejects(starting, (error) => error instanceof BootstrapError && /--filter-modules/.test(error.message));
});

const tagging = (value: string, more = ''): string =>
  filterOf(`${more} async onResponseHeaders({ response }) { response?.headers.set('x-version', '${value}'); },`);

const versionOf = async (client: Client): Promise<string | undefined> => {
  const { status, headers } = await client.get('/');
  assert.equal(status, 200);
  return headers.find((line) => line.startsWith('x-version: '))?.slice(11);
};

test('a module and what it imports is reloaded when it changes; what does not load changes nothing', async (context) => {
  const importing = `import { value } from './part.ts';\n${tagging('1').replace("'1'", 'value')}`;
  const { client, write, stats } = await run(context, importing, {
    fields: { config: { name: 'n' } },
    files: { 'part.ts': `export const value: string = 'one';` },
  });
  assert.equal(await versionOf(client), 'one');
  write(`export const value: string = 'two';`, 'part.ts');
  await until(async () => (await versionOf(client)) === 'two');
  assert.deepEqual([(await stats())['reload_success'], (await stats())['reload_failed']], ['1', '0']);
  write('export const value: = 5', 'part.ts');
  await until(async () => (await stats())['reload_failed'] === '1');
  assert.equal(await versionOf(client), 'two');
  write(`export const value: string = 'three';`, 'part.ts');
  await until(async () => (await versionOf(client)) === 'three');
  write(tagging('4', `config() { throw new Error('not this one'); },`));
  await until(async () => (await stats())['reload_failed'] === '2');
  assert.equal(await versionOf(client), 'three');
  write(tagging('5'));
  await until(async () => (await versionOf(client)) === '5');
  await sleep(1200);
  assert.deepEqual([(await stats())['reload_success'], (await stats())['reload_failed']], ['3', '2']);
});

test('under load and with two workers a reload fails no request; one under way keeps its version', async (context) => {
  const { client, write, stats } = await run(
    context,
    filterOf(`
      async onRequestHeaders({ request }) { if (request.path === '/slow') await new Promise((done) => setTimeout(done, 2500)); },
      onResponseHeaders({ response }) { response?.headers.set('x-version', '1'); },`),
    { concurrency: 2 },
  );
  const port = client.socket.remotePort ?? 0;
  await client.get('/');
  const slow = new Client(client.socket.remotePort ?? port);
  context.after(() => slow.close());
  const underWay = slow.get('/slow');
  const seen = new Set<string>();
  let running = true;
  const clients = Array.from({ length: 8 }, () => new Client(client.socket.remotePort ?? port));
  const load = clients.map(async (one) => {
    while (running) {
      seen.add((await versionOf(one)) ?? '');
    }
  });
  await sleep(100);
  write(tagging('2'));
  await until(async () => {
    const versions = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const one = new Client(client.socket.remotePort ?? port);
        try {
          return await versionOf(one);
        } finally {
          one.close();
        }
      }),
    );
    return versions.every((version) => version === '2');
  });
  running = false;
  await Promise.all(load);
  for (const one of clients) one.close();
  assert.deepEqual([...seen].sort(), ['1', '2']);
  const answer = await underWay;
  assert.ok(answer.headers.includes('x-version: 1'), answer.headers.join());
  assert.deepEqual([(await stats())['errors'], (await stats())['reload_success']], ['0', '1']);
});

test('the example loads as its bootstrap has it', async () => {
  const folder = path.resolve(import.meta.dirname, '../../../../examples/filter-module');
  const bootstrap: unknown = parse(readFileSync(path.join(folder, 'envoy.yaml'), 'utf8'));
  const log = createLogger('module-test');
  assert.deepEqual(await checkBootstrap({ bootstrap, log, filterModules: [folder] }), []);
  assert.equal((await checkBootstrap({ bootstrap, log, filterModules: [tmpdir()] })).length, 1);
});
