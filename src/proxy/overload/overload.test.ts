import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../base/index.ts';
import { until } from '../../base/testing/index.ts';
import { readBootstrap } from '../config/bootstrap.ts';
import { StatsStore } from '../stats/store.ts';
import type { OverloadConfig } from './config.ts';
import { createJudge, type OverloadStates } from './judge.ts';
import { startOverloadManager } from './manager.ts';
import { measureOf } from './monitor.ts';
import { scaledDeadline, TimerScale } from './scaled-deadline.ts';
import { ConnectionLimit, longestDelay, overloadMemory, startBeating } from './shared.ts';
import { triggered } from './trigger.ts';
import { WorkerOverload } from './worker.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.resource_monitors';

function configOf(manager: object): OverloadConfig {
  const read = readBootstrap({ node: { id: 'n', cluster: 'c' }, overload_manager: manager });
  assert.ok(read.ok, read.ok ? '' : JSON.stringify(read.error));
  assert.ok(read.value.overload);
  return read.value.overload;
}

const injected = (filename: string, name = 'r'): object => ({
  name,
  typed_config: { '@type': `${TYPES}.injected_resource.v3.InjectedResourceConfig`, filename },
});

test('a threshold fires at its value, a scaled trigger grows between two', () => {
  const threshold = { kind: 'threshold', resource: 'r', value: 0.9 } as const;
  assert.deepEqual(
    [0, 0.8999, 0.9, 1, 7].map((pressure) => triggered(threshold, pressure)),
    [0, 0, 1, 1, 1],
  );
  const scaled = { kind: 'scaled', resource: 'r', scaling: 0.5, saturation: 1 } as const;
  assert.deepEqual(
    [0, 0.5, 0.75, 0.875, 1, 2].map((pressure) => triggered(scaled, pressure)),
    [0, 0, 0.5, 0.75, 1, 1],
  );
});

test('the strongest trigger decides, and only a difference counts', () => {
  const triggers = [
    { kind: 'scaled', resource: 'a', scaling: 0, saturation: 1 },
    { kind: 'threshold', resource: 'b', value: 0 },
  ] as const;
  const judge = createJudge({
    actions: [
      { name: 'x', kind: 'stop_accepting_requests', triggers, timers: undefined, shrink: undefined },
      {
        name: 'y',
        kind: 'reduce_timeouts',
        triggers: [triggers[0]],
        timers: { streamIdle: { ms: 1, share: 0 } },
        shrink: undefined,
      },
    ],
    points: [{ kind: 'tcp_listener_accept', triggers: [triggers[1]] }],
  });
  assert.deepEqual(judge.states().actions, { stop_accepting_requests: 0, reduce_timeouts: 0 });
  assert.equal(judge.update('a', 0), false);
  assert.equal(judge.update('a', 0.25), true);
  assert.equal(judge.update('a', 0.25), false);
  assert.equal(judge.update('other', 1), false);
  assert.deepEqual(judge.states(), {
    actions: { stop_accepting_requests: 0.25, reduce_timeouts: 0.25 },
    points: { tcp_listener_accept: 0 },
    timers: { streamIdle: 0.25 },
  });
  assert.equal(judge.update('b', 0), true);
  assert.deepEqual([judge.states().actions.stop_accepting_requests, judge.states().points.tcp_listener_accept], [1, 1]);
});

test('waits shrink towards their minimum, also those under way', async () => {
  const absolute = new TimerScale({ ms: 100, share: 0 });
  absolute.pressure = 0.5;
  assert.deepEqual([absolute.lengthOf(1000), absolute.lengthOf(100), absolute.lengthOf(50)], [550, 100, 50]);
  const relative = new TimerScale({ ms: undefined, share: 0.1 });
  relative.pressure = 1;
  assert.equal(relative.lengthOf(1000), 100);
  relative.pressure = 0;
  assert.equal(relative.lengthOf(1000), 1000);

  let fired = 0;
  const wait = scaledDeadline(relative, () => fired++);
  wait.start(60_000);
  const stopped = scaledDeadline(relative, () => assert.fail('it was stopped'));
  stopped.start(60_000);
  stopped.stop();
  relative.pressure = 1;
  assert.equal(wait.waiting, true);
  relative.pressure = 0;
  const begun = performance.now();
  wait.start(2000);
  await sleep(40);
  assert.equal(fired, 0);
  relative.pressure = 1;
  await until(() => fired === 1);
  assert.ok(performance.now() - begun < 2000);
  assert.equal(wait.waiting, false);
});

test('all workers count connections together', () => {
  const memory = overloadMemory(2);
  const [one, other] = [new ConnectionLimit(memory, 2), new ConnectionLimit(memory, 2)];
  assert.deepEqual([one.take(), other.take(), one.take(), other.take()], [true, true, false, false]);
  one.release();
  assert.deepEqual([other.take(), one.take()], [true, false]);
});

test('an event loop that stands still is a delay, and is told once', async () => {
  const memory = overloadMemory(2);
  const stop = startBeating(memory, 1);
  try {
    await sleep(50);
    longestDelay(memory);
    const blocked = performance.now() + 150;
    while (performance.now() < blocked);
    // It has not come to its timer yet.
    assert.ok(longestDelay(memory) > 100);
    await sleep(60);
    assert.ok(longestDelay(memory) > 100);
    await until(() => longestDelay(memory) < 100);
    const measured = await measureOf({ kind: 'delay', mostMs: 1_000_000 }, memory)();
    assert.ok(measured.ok && measured.value < 0.001);
  } finally {
    stop();
  }
});

test('resources are measured, and those that cannot be are counted', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'overload-'));
  const stats = new StatsStore();
  const log = createLogger('overload');
  log.level = 'silent';
  const told: OverloadStates[] = [];
  const config = configOf({
    refresh_interval: '0.01s',
    resource_monitors: [
      injected(path.join(folder, 'a'), 'a'),
      injected(path.join(folder, 'b'), 'b'),
      { name: 'heap', typed_config: { '@type': `${TYPES}.fixed_heap.v3.FixedHeapConfig`, max_heap_size_bytes: '1' } },
      {
        name: 'delay',
        typed_config: {
          '@type': 'type.googleapis.com/ciliate.resource_monitors.event_loop_delay.v1.EventLoopDelay',
          max_delay: '1000s',
        },
      },
    ],
    actions: [
      { name: 'envoy.overload_actions.stop_accepting_requests', triggers: [{ name: 'a', threshold: { value: 0.5 } }] },
      {
        name: 'envoy.overload_actions.reject_incoming_connections',
        triggers: [{ name: 'heap', scaled: { scaling_threshold: 0, saturation_threshold: 1 } }],
      },
    ],
  });
  await writeFile(path.join(folder, 'a'), '0.509');
  const memory = overloadMemory(1);
  const setup = { config, memory };
  const worker = new WorkerOverload(setup, stats, 0);
  const stop = startOverloadManager(setup, {
    stats,
    log,
    tell: async (states) => {
      told.push(states);
      worker.take(states);
    },
  });
  try {
    assert.equal(worker.refusesRequest(), false);
    const value = (name: string): unknown => {
      const sample = stats.read().find((one) => one.name === `overload.${name}`);
      return sample && 'value' in sample ? sample.value : undefined;
    };
    for (let waited = 0; waited < 100 && (value('b.failed_updates') === 0 || told.length < 2); waited++)
      await sleep(10);
    assert.deepEqual(told.at(-1)?.actions, { stop_accepting_requests: 1, reject_incoming_connections: 1 });
    assert.equal(value('a.pressure'), 50);
    assert.equal(value('envoy.overload_actions.stop_accepting_requests.active'), 1);
    assert.equal(value('envoy.overload_actions.reject_incoming_connections.scale_percent'), 100);
    assert.ok(Number(value('b.failed_updates')) > 0);
    assert.equal(value('b.pressure'), 0);
    assert.deepEqual(
      [worker.refusesRequest(), worker.rejectsConnection(), worker.endsConnection()],
      [true, true, false],
    );
    const length = told.length;
    await sleep(60);
    assert.equal(told.length, length, 'nothing changed');
  } finally {
    stop();
    worker.close();
    await rm(folder, { recursive: true });
  }
});

test('what is not there is refused by name', () => {
  const faults = (manager: object): readonly string[] => {
    const read = readBootstrap({ node: { id: 'n', cluster: 'c' }, overload_manager: manager });
    return read.ok ? [] : read.error.map(({ path: at, message }) => `${at}: ${message}`);
  };
  const monitor = (type: string): object => ({ name: 'x', typed_config: { '@type': `${TYPES}.${type}` } });
  assert.deepEqual(faults({ resource_monitors: [monitor('cpu_utilization.v3.CpuUtilizationConfig')] }), [
    'overload_manager.resource_monitors[0].typed_config.@type: envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig is not supported by ciliate-proxy',
  ]);
  const triggers = [{ name: 'r', threshold: { value: 1 } }];
  const resource_monitors = [injected('/none')];
  for (const name of ['reset_high_memory_stream', 'close_idle_http_connections']) {
    const [fault = ''] = faults({ resource_monitors, actions: [{ name: `envoy.overload_actions.${name}`, triggers }] });
    assert.equal(
      fault,
      `overload_manager.actions[0].name: envoy.overload_actions.${name} is not supported by ciliate-proxy`,
    );
  }
  const name = 'envoy.load_shed_points.http1_server_abort_dispatch';
  assert.deepEqual(faults({ resource_monitors, loadshed_points: [{ name, triggers }] }), [
    `overload_manager.loadshed_points[0].name: ${name} is not supported by ciliate-proxy`,
  ]);
});
