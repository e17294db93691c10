import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubernetesObject } from '../../store.ts';
import { humanDuration } from './age.ts';
import { printerColumns } from './index.ts';
import { parseJsonPath } from './jsonpath.ts';
import { podStatusText } from './pods.ts';

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

describe('ages', () => {
  const cases: readonly [number, string][] = [
    [-5 * S, '<invalid>'],
    [0, '0s'],
    [119 * S, '119s'],
    [2 * M, '2m'],
    [3 * M + 20 * S, '3m20s'],
    [25 * M + 5 * S, '25m'],
    [179 * M, '179m'],
    [3 * H, '3h'],
    [5 * H + 12 * M, '5h12m'],
    [20 * H + 5 * M, '20h'],
    [3 * D + 4 * H, '3d4h'],
    [20 * D + 4 * H, '20d'],
    [800 * D, '2y70d'],
    [3650 * D, '10y'],
  ];
  for (const [ms, text] of cases) test(text, () => assert.equal(humanDuration(ms), text));
});

describe('pod status', () => {
  const pod = (status: object, extra: object = {}): KubernetesObject =>
    ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...extra }, status }) as KubernetesObject;
  const waiting = (reason: string) => ({ state: { waiting: { reason } } });
  const cases: readonly [string, KubernetesObject][] = [
    ['Pending', pod({ phase: 'Pending' })],
    ['ErrImageNeverPull', pod({ phase: 'Pending', containerStatuses: [waiting('ErrImageNeverPull')] })],
    ['CrashLoopBackOff', pod({ phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] })],
    [
      'Error',
      pod({ phase: 'Failed', containerStatuses: [{ state: { terminated: { reason: 'Error', exitCode: 1 } } }] }),
    ],
    ['ExitCode:3', pod({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] })],
    ['Init:0/0', pod({ phase: 'Pending', initContainerStatuses: [{ state: { running: {} } }] })],
    ['Terminating', pod({ phase: 'Running' }, { deletionTimestamp: '2024-05-01T10:00:00Z' })],
  ];
  for (const [text, object] of cases) test(text, () => assert.equal(podStatusText(object), text));
});

test('every built-in column survives an object with nothing in it', () => {
  const bare: KubernetesObject = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' } };
  for (const key of [
    'pods',
    'services',
    'nodes',
    'events',
    'deployments.apps',
    'endpointslices.discovery.k8s.io',
    'unknown',
  ])
    for (const { cell } of printerColumns(key)) assert.notEqual(cell(bare, 0), undefined);
});

describe('JSONPath of printer columns', () => {
  const object = {
    a: {
      b: [
        { t: 'x', v: 1 },
        { t: 'y', v: 2 },
      ],
    },
    'k.l': 3,
  };
  const cases: readonly [string, unknown[] | undefined][] = [
    ['.a.b[0].v', [1]],
    ['.a.b[*].v', [1, 2]],
    ['.a.b[?(@.t=="y")].v', [2]],
    [".a.b[?(@.t=='y')].v", [2]],
    ["['k.l']", [3]],
    ['.k\\.l', [3]],
    ['.a.none.x', []],
    ['.a.constructor', []],
    ['.a.b[', undefined],
  ];
  for (const [path, values] of cases) test(path, () => assert.deepEqual(parseJsonPath(path)?.(object), values));
});
