import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Issue } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { type RouteUpgrades, readRouteUpgrades, terminates } from './upgrades.ts';

function read(upgrade_configs: readonly JsonObject[]): { readonly read: RouteUpgrades; readonly issues: Issue[] } {
  const issues: Issue[] = [];
  return { read: readMessage({ upgrade_configs: [...upgrade_configs] }, 'route', issues, readRouteUpgrades), issues };
}

test('types are known in lower case, and are on unless they are switched off', () => {
  const { read: upgrades, issues } = read([
    { upgrade_type: 'WebSocket' },
    { upgrade_type: 'CONNECT', enabled: false, connect_config: { allow_post: true } },
  ]);
  assert.deepEqual(issues, []);
  assert.deepEqual(
    [...upgrades.upgrades],
    [
      ['websocket', true],
      ['connect', false],
    ],
  );
  assert.deepEqual(upgrades.connect, { allowPost: true, greeting: undefined });
});

test('CONNECT ends where there is a connect_config, POST only where that says so', () => {
  const table: readonly (readonly [JsonObject | undefined, string, boolean])[] = [
    [undefined, 'CONNECT', false],
    [{}, 'CONNECT', true],
    [{}, 'POST', false],
    [{ allow_post: true }, 'POST', true],
    [{ allow_post: true }, 'PUT', false],
  ];
  for (const [connect_config, method, expected] of table) {
    const { connect } = read([{ upgrade_type: 'CONNECT', ...(connect_config ? { connect_config } : {}) }]).read;
    assert.equal(terminates(connect, method), expected, `${JSON.stringify(connect_config)} ${method}`);
  }
});

test('what is faulty or not there is named with its path', () => {
  const table: readonly (readonly [JsonObject[], string, RegExp])[] = [
    [[{ upgrade_type: '' }], 'route.upgrade_configs[0].upgrade_type', /value is required/],
    [[{ upgrade_type: 'a' }, { upgrade_type: 'A' }], 'route.upgrade_configs[1].upgrade_type', /^Duplicate upgrade A$/],
    [
      [{ upgrade_type: 'websocket', connect_config: {} }],
      'route.upgrade_configs[0].connect_config',
      /^Non-CONNECT upgrade type websocket has ConnectConfig$/,
    ],
    [
      [{ upgrade_type: 'CONNECT-UDP' }],
      'route.upgrade_configs[0].upgrade_type',
      /^CONNECT-UDP is not supported by ciliate-proxy$/,
    ],
  ];
  for (const [configs, path, message] of table) {
    const { issues } = read(configs);
    assert.deepEqual(
      issues.map((issue) => issue.path),
      [path],
    );
    assert.match(issues[0]?.message ?? '', message);
  }
});
