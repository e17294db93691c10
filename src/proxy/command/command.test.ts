import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { checkBootstrap } from '../proxy.ts';
import { type CommandLine, type Ending, parseCommandLine } from './line.ts';
import { readConfig } from './source.ts';

function parsed(...argv: readonly string[]): CommandLine {
  const line = parseCommandLine(argv, 'v1');
  assert.ok(line.ok, line.ok ? '' : line.error.text);
  return line.value;
}

function ended(...argv: readonly string[]): Ending {
  const line = parseCommandLine(argv, 'v1');
  assert.ok(!line.ok);
  return line.error;
}

test('defaults are those of Envoy, but for one worker', () => {
  const line = parsed('-c', 'a.yaml');
  assert.deepEqual(
    [line.configPath, line.mode, line.concurrency, line.logLevel, line.drainTime, line.drainStrategy],
    ['a.yaml', 'serve', 1, 'info', 600_000, 'gradual'],
  );
  assert.deepEqual(
    [line.fileFlushInterval, line.fileFlushMinBytes, line.parentShutdownTime],
    [10_000, 65_536, 900_000],
  );
});

test('flags as Envoy has them', () => {
  const line = parsed(
    ...['--config-path=a', '--config-yaml', 'node: {}', '--mode', 'validate', '--concurrency', '4', '-l', 'warn'],
    ...['--component-log-level', 'upstream:debug,config:trace', '--drain-time-s', '5', '--drain-strategy', 'immediate'],
    ...['--service-node', 'n', '--service-cluster', 'c', '--service-zone', 'z', '--base-id', '3'],
    ...['--disable-hot-restart', '--file-flush-interval-msec', '50', '--admin-address-path', '/tmp/a'],
  );
  assert.deepEqual(
    [...line.componentLevels],
    [
      ['upstream', 'debug'],
      ['config', 'trace'],
    ],
  );
  assert.deepEqual(
    [line.mode, line.concurrency, line.logLevel, line.drainTime, line.drainStrategy, line.fileFlushInterval],
    ['validate', 4, 'warning', 5000, 'immediate', 50],
  );
  assert.deepEqual(
    [line.serviceNode, line.serviceCluster, line.serviceZone, line.adminAddressPath],
    ['n', 'c', 'z', '/tmp/a'],
  );
});

test('hot restart is there where a flag asks for it', () => {
  assert.equal(parsed('-c', 'a').hotRestart, undefined);
  assert.equal(parsed('-c', 'a', '--base-id', '3', '--disable-hot-restart').hotRestart, undefined);
  const plain = {
    baseId: 0,
    baseIdPath: undefined,
    epoch: 0,
    parentShutdownMs: 900_000,
    withoutParent: false,
    withoutParentStats: false,
  };
  assert.deepEqual(parsed('-c', 'a', '--base-id', '3').hotRestart, { ...plain, baseId: 3 });
  assert.deepEqual(parsed('-c', 'a', '--restart-epoch', '2').hotRestart, { ...plain, epoch: 2 });
  assert.deepEqual(parsed('-c', 'a', '--use-dynamic-base-id', '--base-id-path', '/p').hotRestart, {
    ...plain,
    baseId: undefined,
    baseIdPath: '/p',
  });
  const flags = ['--skip-hot-restart-on-no-parent', '--skip-hot-restart-parent-stats', '--parent-shutdown-time-s', '5'];
  assert.deepEqual(parsed('-c', 'a', '--restart-epoch', '1', ...flags).hotRestart, {
    ...plain,
    epoch: 1,
    parentShutdownMs: 5000,
    withoutParent: true,
    withoutParentStats: true,
  });
  assert.match(ended('-c', 'a', '--restart-epoch', '-1').text, /invalid/);
});

test('what is wrong is refused with what there is', () => {
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['-c', 'a', '--concurency', '2'],
      /unknown option '--concurency'.*Did you mean --concurrency\?.*allowed: .*--drain-time-s/s,
    ],
    [['-c', 'a', '--concurrency', 'x'], /argument 'x' is invalid.*a whole number from 1 to 256/],
    [['-c', 'a', '--concurrency', '0'], /argument '0' is invalid/],
    [['-c', 'a', '-l', 'loud'], /allowed: trace, debug, info, warning, error, critical, off/],
    [['-c', 'a', '--component-log-level', 'upstraem:info'], /no component 'upstraem'; nearest: upstream/],
    [['-c', 'a', '--component-log-level', 'upstream:loud'], /allowed: trace/],
    [['-c', 'a', '--mode', 'init_only'], /Allowed choices are serve, validate/],
    [['-c', 'a', '--drain-strategy', 'never'], /Allowed choices are gradual, immediate/],
    [
      ['-c', 'a', '--log-format', '%v'],
      /--log-format is known to Envoy but not supported by ciliate-proxy: the format/,
    ],
    [['-c', 'a', '--allow-unknown-static-fields'], /unknown fields are always refused/],
    [['-c', 'a', 'b'], /too many arguments/],
    [['-c'], /argument missing/],
    [[], /one of --config-path and --config-yaml is needed/],
  ];
  for (const [argv, message] of table) {
    const { text, exitCode } = ended(...argv);
    assert.match(text, message);
    assert.equal(exitCode, 1);
  }
  assert.deepEqual(ended('--version'), { text: 'v1\n', exitCode: 0 });
  const help = ended('--help');
  assert.equal(help.exitCode, 0);
  assert.match(help.text, /--concurrency <n> .*default: 1/);
  assert.ok(!help.text.includes('--log-format'));
});

const FILE = `node: {id: one}
static_resources:
  clusters:
  - name: c
    type: STATIC
    connectTimout: 1s
  listeners:
  - name: l
    address: {socket_address: {address: 127.0.0.1, port_value: 1}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          routeConfig:
            virtual_hosts:
            - name: v
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route: {cluster: c, priority: LOW}
          http_filters:
          - {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
`;

async function faults(...texts: readonly string[]): Promise<readonly string[]> {
  const source = readConfig(texts.map((text, index) => ({ name: `f${index}.yaml`, text })));
  if (!source.ok) return [formatIssue(source.error)];
  const issues = await checkBootstrap({ bootstrap: source.value.json });
  return issues.map((issue) => formatIssue(source.value.locate(issue)));
}

test('every fault says file, line and column', async () => {
  const found = [...(await faults(FILE))].sort(
    (left, right) => Number(left.split(':')[1]) - Number(right.split(':')[1]),
  );
  assert.match(
    found[0] ?? '',
    /^f0\.yaml:6:5: static_resources\.clusters\[0\]\.connectTimout: unknown field .*allowed: connect_timeout/,
  );
  assert.match(found[1] ?? '', /^f0\.yaml:22:37: static_resources\.listeners\[0\].*\.priority: .*LOW/);
  assert.equal(found.length, 2);
  const supported = await faults(
    FILE.replace('    connectTimout: 1s\n', '')
      .replace('LOW', 'HIGH')
      .replace('name: l', 'transparent: true\n    udp_listener_config: {}\n    name: l'),
  );
  assert.deepEqual(
    supported.map((line) => line.split('udp')[0]),
    ['f0.yaml:8:5: static_resources.listeners[0].'],
  );
});

test('what is no YAML says where', async () => {
  assert.match((await faults('a: [1\n'))[0] ?? '', /^f0\.yaml:2:1: not YAML: /);
  assert.match(
    (await faults('node: {id: a}\nnode: {id: b}\n'))[0] ?? '',
    /^f0\.yaml:2:1: not YAML: Map keys must be unique/,
  );
  assert.match((await faults('node:\n  <<: {id: a}\n'))[0] ?? '', /^f0\.yaml:2:3: node\.<<: unknown field/);
  assert.match((await faults('node: {id: n}\n'))[0] ?? '', /^f0\.yaml:1:8: node\.id: .*false/);
});

test('a second text is merged over the first', () => {
  const source = readConfig([
    { name: 'a', text: 'node: {id: one, cluster: c}\nstatic_resources: {clusters: [{name: one}]}' },
    {
      name: 'b',
      text: 'node: {id: two}\nstatic_resources: {clusters: [{name: two}]}\nadmin: {address: {pipe: {path: /p}}}',
    },
  ]);
  assert.ok(source.ok);
  assert.deepEqual(source.value.json, {
    node: { id: 'two', cluster: 'c' },
    static_resources: { clusters: [{ name: 'one' }, { name: 'two' }] },
    admin: { address: { pipe: { path: '/p' } } },
  });
  assert.deepEqual(source.value.locate({ path: 'node.cluster', message: '' }).position, {
    file: 'a',
    line: 1,
    column: 17,
  });
  assert.deepEqual(source.value.locate({ path: 'node.id', message: '' }).position, { file: 'b', line: 1, column: 8 });
});
