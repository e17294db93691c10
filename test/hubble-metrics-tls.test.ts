import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startHubbleMetricsServer } from '../src/agent/hubble-metrics-server.ts';
import { createLogger, issueCertificate } from '../src/base/index.ts';
import { createCertificateAuthority } from '../src/cluster/apiserver/index.ts';

const log = createLogger('hubble-metrics-tls');
log.level = 'silent';

test("a node's Hubble metrics change to TLS while they are served, and ask for certificates where they are told to", async (context) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ciliate-metrics-tls-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const authority = await createCertificateAuthority(directory);
  const own = await issueCertificate(authority, { commonName: 'node', usage: 'server', ipAddresses: ['127.0.0.1'] });
  const reader = await issueCertificate(authority, { commonName: 'prometheus', usage: 'client' });
  const files = path.join(directory, 'files/var/lib/cilium/tls/hubble');
  mkdirSync(files, { recursive: true });
  writeFileSync(path.join(files, 'server.crt'), own.certificate);
  writeFileSync(path.join(files, 'server.key'), own.privateKey);
  writeFileSync(path.join(files, 'readers.crt'), authority.certificate);
  let data: Record<string, string> = {};
  const server = await startHubbleMetricsServer({
    place: { host: '127.0.0.1', port: 0 },
    text: async () => ({ contentType: 'text/plain', body: 'hubble_flows_processed_total 1' }),
    configMap: () => ({ metadata: { name: 'cilium-config' }, data }),
    nodeFiles: path.join(directory, 'files'),
    log,
  });
  context.after(() => server.close());
  const set = (next: Record<string, string>): void => {
    data = next;
    server.update();
  };
  const plain = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`).catch(() => undefined);
    return response ? await response.text() : 'refused';
  };
  const secure = (more: https.RequestOptions = {}): Promise<string> =>
    new Promise((resolve) => {
      const options = {
        host: '127.0.0.1',
        port: server.port,
        path: '/metrics',
        ca: authority.certificate,
        agent: false,
      };
      const request = https.get({ ...options, ...more }, (response) => {
        let body = '';
        response.on('data', (piece) => (body += piece)).on('end', () => resolve(body));
      });
      request.on('error', () => resolve('refused'));
    });
  const metrics = 'hubble_flows_processed_total 1';

  assert.deepEqual([await plain(), await secure()], [metrics, 'refused']);
  set({ 'hubble-metrics-server-enable-tls': 'true' });
  assert.deepEqual([await plain(), await secure()], ['refused', metrics]);
  const readers = '/var/lib/cilium/tls/hubble/readers.crt';
  set({ 'hubble-metrics-server-enable-tls': 'true', 'hubble-metrics-server-tls-client-ca-files': readers });
  assert.equal(await secure(), 'refused');
  assert.equal(await secure({ cert: reader.certificate, key: reader.privateKey }), metrics);
  set({ 'hubble-metrics-server-enable-tls': 'perhaps' });
  assert.equal(await secure({ cert: reader.certificate, key: reader.privateKey }), metrics);
  set({ 'hubble-metrics-server-enable-tls': 'true', 'hubble-metrics-server-tls-cert-file': '/absent' });
  assert.deepEqual([await plain(), await secure()], ['refused', 'refused']);
  set({});
  assert.equal(await plain(), metrics);
});
