import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { imageCatalogue } from './catalogue.ts';
import { repositoryOf } from './reference.ts';

test('the repository of a reference', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.27', 'docker.io/library/nginx'],
    ['curlimages/curl:8', 'docker.io/curlimages/curl'],
    ['quay.io/cilium/json-mock:v1.3.0@sha256:2729', 'quay.io/cilium/json-mock'],
    ['localhost:5000/a/b', 'localhost:5000/a/b'],
    ['localhost/a:1', 'localhost/a'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox'],
  ];
  for (const [image, repository] of cases) assert.equal(repositoryOf(image), repository, image);
});

test('known images start programs that exist', () => {
  const catalogue = imageCatalogue();
  const echo = catalogue.find('quay.io/cilium/json-mock:v1.3.8@sha256:aa');
  assert.ok(echo);
  assert.ok(existsSync(echo.entrypoint[0] ?? ''));
  assert.ok(existsSync(echo.entrypoint.at(-1) ?? ''));
  assert.deepEqual(catalogue.find('curlimages/curl')?.entrypoint, ['curl']);
  assert.equal(catalogue.find('nginx'), undefined);
});

test('Hubble Relay is known when a program for it is given', () => {
  assert.equal(imageCatalogue().find('quay.io/cilium/hubble-relay:v1.19.0'), undefined);
  const hubbleRelay = { start: async () => ({ stop: async () => {} }) };
  const found = imageCatalogue({ hubbleRelay }).find('quay.io/cilium/hubble-relay:v1.19.0@sha256:aa');
  assert.equal(found?.resident, hubbleRelay);
  assert.deepEqual(found?.entrypoint, []);
});

test('CoreDNS is known when a program for it is given', () => {
  assert.equal(imageCatalogue().find('coredns/coredns:1.11'), undefined);
  const catalogue = imageCatalogue({ clusterDns: { command: ['/bin/dns'], environment: { A: 'b' } } });
  const found = catalogue.find('registry.k8s.io/coredns/coredns:v1.11.3');
  assert.deepEqual(found?.entrypoint, ['/bin/dns']);
  assert.deepEqual(found?.environment, { A: 'b' });
});
