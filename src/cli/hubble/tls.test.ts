import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { formatIssue, issueCertificate } from '../../base/index.ts';
import { until } from '../../base/testing/index.ts';
import { createCertificateAuthority } from '../../cluster/apiserver/index.ts';
import {
  createObserver,
  createRelay,
  hubbleServerName,
  observerServices,
  openTlsFiles,
  type PoolTls,
  type ServerSecurity,
  serveGrpc,
  type TlsFiles,
} from '../../hubble/index.ts';
import { toTimestamp } from '../../model/flow/index.ts';
import type { CommandIo } from '../io.ts';
import { hubbleCommand } from './index.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'hubble-tls-test-'));
const cleanups: (() => Promise<void> | void)[] = [() => rmSync(directory, { recursive: true })];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const file = (name: string): string => path.join(directory, name);
const authority = await createCertificateAuthority(file('authority'));
const stranger = await createCertificateAuthority(file('stranger'));
const relayNames = ['*.hubble-relay.cilium.io'];

async function issue(
  name: string,
  dnsNames: readonly string[],
  usage: 'server' | 'client',
  by = authority,
): Promise<void> {
  const issued = await issueCertificate(by, { commonName: dnsNames[0] ?? name, usage, dnsNames });
  writeFileSync(file(`${name}.crt`), issued.certificate);
  writeFileSync(file(`${name}.key`), issued.privateKey, { mode: 0o600 });
}
await issue('node', [hubbleServerName('c/n.1')], 'server');
await issue('relay', relayNames, 'server');
await issue('relay-client', relayNames, 'client');
await issue('user', ['user'], 'client');
await issue('strange', relayNames, 'client', stranger);

const filesOf = (name: string, authorities: readonly string[]): TlsFiles => ({
  certificate: { option: 'cert-option', path: `${name}.crt` },
  key: { option: 'key-option', path: `${name}.key` },
  authorities: authorities.map((one) => ({ option: 'ca-option', path: one })),
});
const faults: string[] = [];
const material = (name: string, authorities: readonly string[]): ReturnType<typeof openTlsFiles> =>
  openTlsFiles({
    files: filesOf(name, authorities),
    locate: file,
    onFault: (fault) => faults.push(formatIssue(fault)),
    onRead: () => {},
  });
const serverTls = (name: string, authorities: readonly string[] = []): ServerSecurity => ({
  kind: 'tls',
  material: material(name, authorities),
});

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const observer = createObserver({ nodeName: 'c/n.1', version: 'v1', now });
observer.push({ uuid: '1', time: toTimestamp(1n), verdict: 1, node_name: 'c/n.1' });
const tlsServerName = hubbleServerName('c/n.1');
const peers = { list: () => [{ name: 'c/n.1', address: '127.0.0.1:1', tlsServerName }], subscribe: () => () => {} };
const anyPort = { host: '127.0.0.1', port: 0 };
const node = await serveGrpc(observerServices(observer, peers), anyPort, serverTls('node', ['authority/ca.crt']));
cleanups.push(() => node.close());

async function startRelay(tls: PoolTls, security?: ServerSecurity, named = true): Promise<string> {
  const address = `127.0.0.1:${node.port}`;
  const relay = await createRelay({
    peers: () => [{ name: 'c/n.1', address, ...(named && { tlsServerName }) }],
    tls: () => tls,
    nodeName: 'relay',
    version: 'v1',
    now,
  });
  const serving = await serveGrpc(relay.services, anyPort, security);
  cleanups.push(
    () => relay.close(),
    () => serving.close(),
  );
  return `127.0.0.1:${serving.port}`;
}

async function run(words: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const texts = { out: '', err: '' };
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const io: CommandIo = {
    stdin: Readable.from(['']),
    stdout: into('out'),
    stderr: into('err'),
    environment: { HOME: directory },
  };
  return { code: await hubbleCommand(words.split(' '), io), ...texts };
}

const relayClient = material('relay-client', ['authority/ca.crt']);
const asNodesSay: PoolTls = { use: 'asNodesSay', material: relayClient };
const ca = `--tls-ca-cert-files ${file('authority/ca.crt')}`;
const name = '--tls-server-name any.hubble-relay.cilium.io';
/** For who is not let in; the others need longer on a busy machine. */
const shortly = '--timeout 500ms';
const patiently = '--timeout 3s';

test('the flags of hubble reach a relay with TLS that reaches a node with mutual TLS', async () => {
  const open = await startRelay(asNodesSay, serverTls('relay'));
  const mutual = await startRelay(asNodesSay, serverTls('relay', ['authority/ca.crt']));
  const certificate = (of: string): string =>
    `--tls-client-cert-file ${file(`${of}.crt`)} --tls-client-key-file ${file(`${of}.key`)}`;
  const cases: readonly [string, string, boolean][] = [
    [open, `--tls ${ca} ${name}`, true],
    [`tls://${open}`, `${ca} ${name}`, true],
    [open, '--tls --tls-allow-insecure', true],
    [open, `--tls ${ca}`, false],
    [open, `--tls ${ca} --tls-server-name two.labels.hubble-relay.cilium.io`, false],
    [open, `--tls --tls-ca-cert-files ${file('stranger/ca.crt')} ${name}`, false],
    [open, `--tls ${name}`, false],
    [open, '', false],
    [mutual, `${ca} ${name} ${certificate('user')}`, true],
    [mutual, `${ca} ${name} ${certificate('strange')}`, false],
    [mutual, `--tls ${ca} ${name}`, false],
  ];
  for (const [server, flags, reached] of cases) {
    const words = `observe --last 1 -o json --server ${server} ${reached ? patiently : shortly} ${flags}`.trim();
    const { code, out, err } = await run(words);
    assert.equal(out.includes('"uuid":"1"'), reached, `${flags}: ${out}${err}`);
    assert.equal(code === 0, reached, flags);
  }
});

test('who is told how to reach a node is told its name in the certificate', async () => {
  const server = await startRelay(asNodesSay);
  const listed = await run(`list nodes -o wide --server ${server}`);
  assert.match(listed.out, /^c\/n\.1 +Connected .* Enabled$/m);
  const json = JSON.parse((await run(`list nodes -o json --server ${server}`)).out);
  assert.deepEqual(json[0].tls, { enabled: true, server_name: 'n-1.c.hubble-grpc.cilium.io' });
});

test('a relay and a node that do not agree about TLS do not speak, and never in plain text', async () => {
  const cases: readonly [PoolTls, boolean][] = [
    [{ use: 'never', material: relayClient }, true],
    [{ use: 'always', material: relayClient }, false],
    [{ use: 'asNodesSay', material: () => undefined }, true],
    [{ use: 'asNodesSay', material: material('strange', ['authority/ca.crt']) }, true],
    [{ use: 'asNodesSay', material: material('relay-client', ['stranger/ca.crt']) }, true],
  ];
  for (const [tls, named] of cases) {
    const { out } = await run(`observe --last 1 -o json --server ${await startRelay(tls, undefined, named)}`);
    assert.ok(!out.includes('"uuid"'), out);
  }
});

test('why there is no connection is told', async () => {
  const server = await startRelay(asNodesSay, serverTls('relay'));
  const cases: readonly [string, RegExp][] = [
    [`--tls ${ca} --tls-server-name relay`, /Hostname\/IP does not match certificate's altnames/],
    [`--tls --tls-ca-cert-files ${file('stranger/ca.crt')} ${name}`, /unable to verify the first certificate/],
    [`--tls ${name}`, /unable to verify the first certificate/],
  ];
  for (const [flags, why] of cases) {
    const { err } = await run(`status --server ${server} ${patiently} ${flags}`);
    assert.match(err, /^failed to connect to '127\.0\.0\.1:\d+' in 3000 ms: /);
    assert.match(err, why);
    assert.equal(err.split('\n').length, 2);
  }
});

test('new certificates hold without a restart, and none that are broken', async () => {
  await issue('changing', ['a.hubble-relay.cilium.io'], 'server');
  const server = await startRelay(asNodesSay, serverTls('changing'));
  const reaches = (asked: string) => async (): Promise<boolean> =>
    (await run(`list nodes --server ${server} --tls ${ca} ${patiently} --tls-server-name ${asked}`)).code === 0;
  assert.ok(await reaches('a.hubble-relay.cilium.io')());
  writeFileSync(file('changing.crt'), 'half');
  await until(async () => (await reaches('a.hubble-relay.cilium.io')()) && faults.length > 0);
  assert.equal(
    faults.at(-1),
    'cert-option: changing.crt: holds no certificate; allowed: PEM, beginning with -----BEGIN CERTIFICATE-----',
  );
  await issue('changing', ['b.hubble-relay.cilium.io'], 'server');
  await until(reaches('b.hubble-relay.cilium.io'));
  assert.ok(!(await reaches('a.hubble-relay.cilium.io')()));
});

test('files that cannot be used are told with their option, and what they hold is not', () => {
  copyFileSync(file('user.crt'), file('mismatch.crt'));
  copyFileSync(file('node.key'), file('mismatch.key'));
  copyFileSync(file('user.crt'), file('keyless.crt'));
  writeFileSync(file('keyless.key'), 'secret words');
  const cases: readonly [string, readonly string[], string][] = [
    ['absent', [], 'cert-option: absent.crt: is not there'],
    ['mismatch', [], 'key-option: mismatch.key: is not the key of mismatch.crt (cert-option)'],
    ['keyless', [], 'key-option: keyless.key: holds no private key; allowed: PEM, without a password'],
    ['user', ['.'], 'ca-option: .: is not a file'],
  ];
  for (const [of, authorities, expected] of cases) {
    assert.equal(material(of, authorities)(), undefined);
    assert.equal(faults.at(-1), expected);
  }
});

test('a server that changes to TLS ends what was connected in plain text, and one without a certificate serves nobody', async () => {
  const serving = await serveGrpc(observerServices(observer, peers), anyPort);
  cleanups.push(() => serving.close());
  const server = `127.0.0.1:${serving.port}`;
  const following = run(`observe --follow --server ${server} -o json`);
  await until(async () => {
    observer.push({ uuid: '2', time: toTimestamp(now()), verdict: 1 });
    return (await run(`status --server ${server}`)).code === 0;
  });
  serving.use(serverTls('absent'));
  assert.notEqual((await following).code, 0);
  for (const flags of ['', ` --tls ${ca} --tls-server-name ${tlsServerName}`]) {
    assert.notEqual((await run(`status --server ${server} ${shortly}${flags}`)).code, 0);
  }
  serving.use(serverTls('node'));
  const secure = await run(
    `observe --last 1 -o json --server ${server} --tls ${ca} --tls-server-name ${tlsServerName}`,
  );
  assert.equal(secure.code, 0, secure.err);
});

test('who connects and never begins the handshake is cut off', { timeout: 60_000 }, async () => {
  const silent = net.connect(node.port, '127.0.0.1');
  cleanups.push(() => void silent.destroy());
  silent.on('error', () => {});
  silent.resume();
  await once(silent, 'close');
});
