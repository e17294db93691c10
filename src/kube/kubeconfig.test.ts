import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { loadKubeConfig } from './kubeconfig.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kube-'));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function config(
  user: Record<string, unknown>,
  cluster: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
) {
  return JSON.stringify({
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
    ...more,
  });
}

async function credentialsOf(file: string) {
  const access = loadKubeConfig(file, {});
  assert.ok(access.ok, JSON.stringify(access));
  return { access: access.value, credentials: await access.value.credentials() };
}

test('client certificate and authority as data', async () => {
  const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
  const file = write(
    'cert.json',
    config(user, { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'api' }),
  );
  const { access, credentials } = await credentialsOf(file);
  assert.deepEqual([access.server, access.namespace, access.context], ['https://127.0.0.1:6443', 'shop', 'here']);
  assert.deepEqual(
    [String(credentials.ca), String(credentials.cert), String(credentials.key), credentials.servername],
    ['CA', 'CERT', 'KEY', 'api'],
  );
});

test('files are relative to the kubeconfig; YAML is read too', async () => {
  write('ca.pem', 'CA');
  write('token', 'secret\n');
  const file = write(
    'files.yaml',
    `kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://[::1]:6443", certificate-authority: ca.pem}}]
users: [{name: u, user: {tokenFile: token}}]
`,
  );
  const { access, credentials } = await credentialsOf(file);
  assert.equal(access.namespace, 'default');
  assert.deepEqual([String(credentials.ca), credentials.headers], ['CA', { Authorization: 'Bearer secret' }]);
});

for (const { name, user, expected } of [
  { name: 'token', user: { token: 't' }, expected: { Authorization: 'Bearer t' } },
  { name: 'basic', user: { username: 'a', password: 'b' }, expected: { Authorization: `Basic ${base64('a:b')}` } },
  { name: 'nothing', user: {}, expected: {} },
]) {
  test(`user with ${name}`, async () => {
    const { credentials } = await credentialsOf(write('user.json', config(user)));
    assert.deepEqual(credentials.headers, expected);
  });
}

test('a credential plugin runs through the official client', async () => {
  const answer = JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'from-plugin' },
  });
  const plugin = write('plugin.sh', `#!/bin/sh\necho '${answer}'\n`);
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: '/bin/sh',
    args: [plugin],
    interactiveMode: 'Never',
  };
  const { credentials } = await credentialsOf(write('exec.json', config({ exec })));
  assert.equal(credentials.headers['Authorization'], 'Bearer from-plugin');
});

test('of several files in KUBECONFIG the first to name a thing wins; absent ones are passed over', async () => {
  const first = write('first.json', config({ token: 'first' }));
  const second = write('second.json', config({ token: 'second' }, {}, { 'current-context': 'elsewhere' }));
  const KUBECONFIG = [path.join(folder, 'absent'), first, second].join(':');
  const access = loadKubeConfig(undefined, { KUBECONFIG });
  assert.ok(access.ok);
  assert.equal(access.value.context, 'here');
  assert.deepEqual((await access.value.credentials()).headers, { Authorization: 'Bearer first' });
});

for (const { name, text, path: field, message } of [
  { name: 'no YAML', text: 'a: [', path: '', message: /kubeconfig .*bad/ },
  { name: 'a list', text: '- a', path: '', message: /not a mapping/ },
  { name: 'no current context', text: 'kind: Config', path: 'current-context', message: /not set/ },
  {
    name: 'unknown context',
    text: config({}, {}, { 'current-context': 'x' }),
    path: 'current-context',
    message: /"x" is not defined/,
  },
  {
    name: 'unknown cluster',
    text: config({}, {}, { clusters: [] }),
    path: 'contexts[0].context.cluster',
    message: /"c"/,
  },
  { name: 'unknown user', text: config({}, {}, { users: 'nobody' }), path: 'contexts[0].context.user', message: /"u"/ },
  { name: 'no URL', text: config({}, { server: 'ftp://x' }), path: 'clusters[0].cluster.server', message: /ftp/ },
  { name: 'missing file', text: config({ 'client-key': 'absent.pem' }), path: 'users[0].user', message: /absent\.pem/ },
]) {
  test(`fault: ${name}`, () => {
    const loaded = loadKubeConfig(write('bad', text), {});
    assert.ok(!loaded.ok);
    assert.equal(loaded.error.path, field);
    assert.match(loaded.error.message, message);
  });
}

test('fault: no such file, nothing configured', () => {
  const absent = loadKubeConfig(path.join(folder, 'absent'), {});
  assert.match(absent.ok ? '' : absent.error.message, /cannot read/);
  const nothing = loadKubeConfig(undefined, { HOME: folder });
  assert.match(nothing.ok ? '' : nothing.error.message, /no kubeconfig/);
});
