import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../base/index.ts';
import { createHubbleClient, createObserver } from '../hubble/index.ts';
import { startHubbleServer } from './hubble-server.ts';

test('who watches the nodes hears of new ones', async (context) => {
  const log = createLogger('hubble-server-test');
  log.level = 'silent';
  const nodes = [{ name: 'c/n1', address: '10.0.0.1:4244' }];
  const server = await startHubbleServer({
    observer: createObserver({ nodeName: 'c/n1', version: '1', now: () => 0n }),
    nodes: () => nodes,
    place: { host: '127.0.0.1', port: 0 },
    relayAddress: '127.0.0.1',
    configMap: () => undefined,
    nodeFiles: '/nonexistent',
    log,
  });
  context.after(() => server.close());
  const client = await createHubbleClient({ server: `127.0.0.1:${server.port}` });
  context.after(() => client.close());
  await client.connect();
  const seen: string[] = [];
  for await (const { name = '', type } of client.notifyPeers()) {
    seen.push(`${type} ${name}`);
    if (seen.length === 1) {
      server.nodesChanged();
      nodes.push({ name: 'c/n2', address: '10.0.0.2:4244' });
      server.nodesChanged();
    } else if (seen.length === 2) {
      nodes.shift();
      server.nodesChanged();
    } else break;
  }
  assert.deepEqual(seen, ['1 c/n1', '1 c/n2', '2 c/n1']);
});

test('the server follows cilium-config, and a node that cannot show a certificate serves nobody', async (context) => {
  const nodeFiles = mkdtempSync(path.join(os.tmpdir(), 'ciliate-hubble-server-'));
  context.after(() => rmSync(nodeFiles, { recursive: true, force: true }));
  const errors: string[] = [];
  const log = createLogger('hubble-server-test');
  log.level = 'silent';
  Object.assign(log, { error: (details: unknown) => void errors.push(JSON.stringify(details)) });
  let data: Record<string, string> = {};
  const server = await startHubbleServer({
    observer: createObserver({ nodeName: 'c/n1', version: '1', now: () => 0n }),
    nodes: () => [{ name: 'c/n1', address: '10.0.0.1:4244' }],
    place: { host: '127.0.0.1', port: 0 },
    relayAddress: '127.0.0.1',
    configMap: () => ({ metadata: { name: 'cilium-config' }, data }),
    nodeFiles,
    log,
  });
  context.after(() => server.close());
  const set = (next: Record<string, string>): void => {
    data = next;
    server.update();
  };
  const serverName = async (): Promise<string | undefined> => {
    const client = await createHubbleClient({ server: `127.0.0.1:${server.port}`, timeoutMs: 400 });
    try {
      await client.connect();
      for await (const { tls } of client.notifyPeers()) return tls?.server_name ?? 'plain text';
      return 'nobody';
    } catch {
      return 'not served';
    } finally {
      client.close();
    }
  };

  assert.equal(await serverName(), 'plain text');
  set({ 'hubble-disable-tls': 'maybe' });
  assert.match(errors.join(), /hubble-disable-tls: found \\"maybe\\"; allowed: true, false/);
  assert.equal(await serverName(), 'plain text');
  set({ 'hubble-disable-tls': 'false', 'hubble-tls-cert-file': '/../../etc/absent.crt' });
  assert.equal(await serverName(), 'not served');
  assert.match(errors.join(), /hubble-tls-cert-file: \/\.\.\/\.\.\/etc\/absent.crt: is not there/);
  set({ 'hubble-disable-tls': 'true' });
  assert.equal(await serverName(), 'plain text');
});
