import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { hubbleServerName } from './server-name.ts';
import { readNodeTls, readRelayTls, type TlsFiles } from './settings.ts';

const paths = (files: TlsFiles | undefined): object | undefined =>
  files && [files.certificate.path, files.key.path, files.authorities.map(({ path }) => path)];

test("a node's settings", () => {
  const usual = [
    '/var/lib/cilium/tls/hubble/server.crt',
    '/var/lib/cilium/tls/hubble/server.key',
    ['/var/lib/cilium/tls/hubble/client-ca.crt'],
  ];
  const cases: readonly [Record<string, string>, unknown][] = [
    [{}, undefined],
    [{ 'hubble-disable-tls': '' }, undefined],
    [{ 'hubble-disable-tls': 'true', 'hubble-tls-cert-file': '/x' }, undefined],
    [{ 'hubble-disable-tls': 'false' }, usual],
    [{ 'hubble-disable-tls': 'false', 'hubble-tls-client-ca-files': '' }, [usual[0], usual[1], []]],
    [
      {
        'hubble-disable-tls': 'false',
        'hubble-tls-cert-file': '/a.crt',
        'hubble-tls-key-file': '/a.key',
        'hubble-tls-client-ca-files': '/b, /c',
      },
      ['/a.crt', '/a.key', ['/b', '/c']],
    ],
  ];
  for (const [data, expected] of cases) {
    const read = readNodeTls(data);
    assert.ok(read.ok);
    assert.deepEqual(paths(read.value), expected);
  }
});

test("the relay's settings", () => {
  const files = '/var/lib/hubble-relay/tls';
  const client = [`${files}/client.crt`, `${files}/client.key`, [`${files}/hubble-server-ca.crt`]];
  const server = [`${files}/server.crt`, `${files}/server.key`];
  const cases: readonly [unknown, readonly [unknown, string, unknown]][] = [
    [undefined, [undefined, 'asNodesSay', client]],
    [{ 'disable-server-tls': true, 'disable-client-tls': true }, [undefined, 'never', client]],
    [{ 'disable-server-tls': false, 'disable-client-tls': 'false' }, [[...server, []], 'always', client]],
    [
      { 'disable-server-tls': false, 'tls-relay-client-ca-files': ['/ca', '/ca2'] },
      [[...server, ['/ca', '/ca2']], 'asNodesSay', client],
    ],
    [
      { 'tls-hubble-client-cert-file': '/c', 'tls-hubble-client-key-file': '/k', 'tls-hubble-server-ca-files': '/a' },
      [undefined, 'asNodesSay', ['/c', '/k', ['/a']]],
    ],
  ];
  for (const [config, expected] of cases) {
    const read = readRelayTls(config);
    assert.ok(read.ok);
    const { server: found, client: to } = read.value;
    assert.deepEqual([paths(found), to.use, paths(to.files)], expected);
  }
});

test('what is wrong is told with its option and what is allowed', () => {
  const cases: readonly [ReturnType<typeof readNodeTls> | ReturnType<typeof readRelayTls>, string][] = [
    [readNodeTls({ 'hubble-disable-tls': 'no' }), 'hubble-disable-tls: found "no"; allowed: true, false'],
    [
      readNodeTls({ 'hubble-tls-key-file': 'server.key' }),
      'hubble-tls-key-file: found "server.key"; allowed: an absolute path of a file',
    ],
    [readRelayTls([]), 'config.yaml: is not an object; allowed: options as key: value'],
    [
      readRelayTls({ 'tls-hubble-server-ca-files': '' }),
      'tls-hubble-server-ca-files: is empty; allowed: at least one file',
    ],
    [
      readRelayTls({ 'tls-relay-server-cert-file': 3 }),
      'tls-relay-server-cert-file: found 3; allowed: absolute paths of files',
    ],
  ];
  for (const [read, expected] of cases) {
    assert.ok(!read.ok);
    assert.equal(read.error.map(formatIssue).join('\n'), expected);
  }
});

test('the name of a node has one label for the node and one for the cluster', () => {
  assert.equal(hubbleServerName('ciliate/node-1'), 'node-1.ciliate.hubble-grpc.cilium.io');
  assert.equal(hubbleServerName('a.b/c.d'), 'c-d.a-b.hubble-grpc.cilium.io');
  assert.equal(hubbleServerName('node'), 'node.default.hubble-grpc.cilium.io');
});
