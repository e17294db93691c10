import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from './agent-config.ts';
import { type MonitorAggregation, tcpFlags } from './node-plan.ts';

type Data = Readonly<Record<string, string>>;

const chart: MonitorAggregation = { level: 'medium', intervalSeconds: 5, flags: tcpFlags };

const understood: readonly [data: Data, expected: Partial<MonitorAggregation>][] = [
  [{}, {}],
  [{ '': '' }, { level: 'none' }],
  [{ '': 'None' }, { level: 'none' }],
  [{ '': 'disabled' }, { level: 'none' }],
  [{ '': '0' }, { level: 'none' }],
  [{ '': 'lowest' }, { level: 'low' }],
  [{ '': 'LOW' }, { level: 'low' }],
  [{ '': '2' }, { level: 'low' }],
  [{ '': 'maximum' }, { level: 'medium' }],
  [{ '': 'max' }, { level: 'medium' }],
  [{ '': '3' }, { level: 'medium' }],
  [{ '-interval': '1m0s' }, { intervalSeconds: 60 }],
  [{ '-interval': '1500ms' }, { intervalSeconds: 1 }],
  [{ '-flags': 'RST, syn fin' }, { flags: ['fin', 'syn', 'rst'] }],
  [{ '-flags': 'syn,all' }, { flags: tcpFlags }],
  [{ '-flags': '' }, { flags: [] }],
];

for (const [data, expected] of understood) {
  test(`monitor-aggregation ${JSON.stringify(data)}`, () => {
    const { aggregation, faults } = read(data);
    assert.deepEqual(aggregation, { ...chart, ...expected });
    assert.deepEqual(faults, []);
  });
}

const refused: readonly [data: Data, fault: string][] = [
  [{ '': 'some' }, 'monitor-aggregation: none|low|medium|maximum'],
  [{ '': '5' }, 'monitor-aggregation: none|low|medium|maximum'],
  [{ '': 'constructor' }, 'monitor-aggregation: none|low|medium|maximum'],
  [{ '-interval': '5' }, 'monitor-aggregation-interval: a duration from 1s to 1h'],
  [{ '-interval': '900ms' }, 'monitor-aggregation-interval: a duration from 1s to 1h'],
  [{ '-interval': '2h' }, 'monitor-aggregation-interval: a duration from 1s to 1h'],
  [{ '-flags': 'syn,sin' }, 'monitor-aggregation-flags: all|fin|syn|rst|psh|ack|urg|ece|cwr'],
];

for (const [data, fault] of refused) {
  test(`monitor-aggregation ${JSON.stringify(data)} keeps the default and is told`, () => {
    const { aggregation, faults } = read(data);
    assert.deepEqual(aggregation, chart);
    assert.deepEqual(faults, [fault]);
  });
}

function read(data: Data) {
  const faults: string[] = [];
  const keyed = Object.fromEntries(Object.entries(data).map(([key, value]) => [`monitor-aggregation${key}`, value]));
  const { monitorAggregation } = configOf({ data: keyed }, ({ key, allowed }) =>
    faults.push(`${key}: ${allowed.join('|')}`),
  );
  return { aggregation: monitorAggregation, faults };
}
