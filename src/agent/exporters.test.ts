import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../base/index.ts';
import { createObserver } from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import { createExporters } from './exporters.ts';

test('exporters come, change and go with the ConfigMaps, and what is wrong changes nothing', async (context) => {
  const nodeFiles = mkdtempSync(path.join(os.tmpdir(), 'ciliate-exporters-'));
  context.after(() => rmSync(nodeFiles, { recursive: true, force: true }));
  const errors: string[] = [];
  const log = createLogger('exporters-test');
  log.level = 'silent';
  Object.assign(log, { error: (details: unknown) => void errors.push(JSON.stringify(details)) });
  const maps: Record<string, ConfigMap> = {};
  const set = (name: string, data: Record<string, string>): void => {
    maps[name] = { metadata: { name }, data };
  };
  const observer = createObserver({ nodeName: 'c/n1', version: '1', now: () => BigInt(Date.now()) * 1_000_000n });
  const exporters = createExporters({ observer, configMap: (name) => maps[name], nodeFiles, log });
  context.after(() => exporters.stop());
  let number = 0;
  const uuids = (file: string): string => {
    const full = path.join(nodeFiles, file);
    if (!existsSync(full)) return 'no file';
    return [...readFileSync(full, 'utf8').matchAll(/"uuid":"(\d+)"/g)].map(([, uuid]) => uuid).join(' ');
  };
  const pushed = async (file: string, expected: string): Promise<void> => {
    await exporters.update();
    observer.push({ uuid: String(++number), verdict: number % 2 === 0 ? 2 : 1 });
    observer.push({ uuid: String(++number), verdict: number % 2 === 0 ? 2 : 1 });
    for (let turns = 0; turns < 400 && uuids(file) !== expected; turns++) await sleep(5);
    assert.equal(uuids(file), expected);
  };
  const config = {
    'hubble-export-file-path': '/var/../../log/events.log',
    'hubble-flowlogs-config-path': '/flowlog-config/flowlogs.yaml',
  };
  const flowLogs = (text: string): void => set('cilium-flowlog-config', { 'flowlogs.yaml': `flowLogs: ${text}` });

  await exporters.update();
  observer.push({ uuid: '0' });
  set('cilium-config', config);
  await pushed('log/events.log', '1 2');
  assert.deepEqual(errors, []);
  set('cilium-config', { ...config, 'hubble-export-allowlist': '{"verdict":["DROPPED"]}' });
  flowLogs('[{name: a, filePath: /log/a.log}]');
  await pushed('log/events.log', '1 2 4');
  await pushed('log/a.log', '3 4 5 6');
  flowLogs('[{name: a, filePath: a.log}]');
  await pushed('log/a.log', '3 4 5 6 7 8');
  assert.match(errors.join(), /flowlogs.yaml: flowLogs\[0\].filePath: found .*an absolute path of a file/);
  flowLogs('[{name: a, filePath: /log/events.log}]');
  await pushed('log/a.log', '3 4 5 6 7 8 9 10');
  assert.match(errors.join(), /a has the file of hubble-export-file-path/);
  flowLogs('[');
  await pushed('log/a.log', '3 4 5 6 7 8 9 10 11 12');
  flowLogs('[{name: a, filePath: /log/a.log, end: 2020-01-01T00:00:00Z}, {name: b, filePath: /log/b.log}]');
  await pushed('log/b.log', '13 14');
  assert.equal(uuids('log/a.log'), '3 4 5 6 7 8 9 10 11 12');
  set('cilium-config', {});
  await exporters.update();
  observer.push({ uuid: '99', verdict: 2 });
  await exporters.stop();
  assert.equal(uuids('log/events.log'), '1 2 4 6 8 10 12 14');
  assert.equal(uuids('log/b.log'), '13 14');
});
