import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinished, podPhase, podStatus } from './pod-status.ts';
import { countResults } from './prober.ts';
import { initialRecord } from './records.ts';
import { restartDelays, restarts } from './restart-policy.ts';
import type { ContainerRecord, PodObject } from './types.ts';

const pod = (restartPolicy: string, extra: object = {}): PodObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n' },
  spec: { containers: [{ name: 'c' }], restartPolicy, ...extra },
});
const record = (state: ContainerRecord['state'], extra: Partial<ContainerRecord> = {}): ContainerRecord => ({
  name: 'c',
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...(state ? { state } : {}),
  ...extra,
});
const waiting = record({ waiting: { reason: 'ContainerCreating' } });
const running = record({ running: {} }, { ready: true, started: true });
const exited = (exitCode: number) => record({ terminated: { exitCode } });
const crashing = record({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState: { terminated: { exitCode: 1 } } });

test('the phase', () => {
  const cases: readonly (readonly [string, string, readonly ContainerRecord[], string])[] = [
    ['not started', 'Always', [waiting], 'Pending'],
    ['one not started', 'Always', [running, waiting], 'Pending'],
    ['running', 'Always', [running], 'Running'],
    ['crashing', 'Always', [crashing], 'Running'],
    ['done but restarted', 'Always', [exited(0)], 'Running'],
    ['done', 'Never', [exited(0)], 'Succeeded'],
    ['one failed', 'Never', [exited(0), exited(2)], 'Failed'],
    ['one still runs', 'Never', [exited(2), running], 'Running'],
    ['done on failure', 'OnFailure', [exited(0)], 'Succeeded'],
    ['failed on failure', 'OnFailure', [exited(1)], 'Running'],
  ];
  for (const [name, policy, records, phase] of cases) assert.equal(podPhase(pod(policy), records, []), phase, name);
  const withInit = (policy: string) => pod(policy, { initContainers: [{ name: 'c' }] });
  assert.equal(podPhase(withInit('Always'), [waiting], [running]), 'Pending');
  assert.equal(podPhase(withInit('Never'), [waiting], [exited(1)]), 'Failed');
  assert.equal(podPhase(withInit('Always'), [running], [exited(0)]), 'Running');
});

test('conditions keep their time until they change, and those of others stay', () => {
  const facts = {
    podAddress: '10.244.1.2',
    hostAddress: '172.30.0.1',
    startTime: 't0',
    initContainers: [],
    sandboxReady: true,
    failure: undefined,
  };
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: 't0' };
  const bound = { ...pod('Always'), status: { conditions: [scheduled] } };
  const first = podStatus({ ...facts, pod: bound, containers: [waiting], now: 't1' });
  const second = podStatus({ ...facts, pod: { ...bound, status: first }, containers: [running], now: 't2' });
  const of = (status: typeof first, type: string) => status.conditions?.find((condition) => condition.type === type);
  assert.deepEqual(of(first, 'Ready'), {
    type: 'Ready',
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [c]',
    lastTransitionTime: 't1',
  });
  assert.deepEqual(of(second, 'Ready'), { type: 'Ready', status: 'True', lastTransitionTime: 't2' });
  assert.equal(of(second, 'Initialized')?.lastTransitionTime, 't1');
  assert.deepEqual(of(second, 'PodScheduled'), scheduled);
  assert.deepEqual(second.podIPs, [{ ip: '10.244.1.2' }]);
});

test('a closed readiness gate keeps a pod unready', () => {
  const gated = pod('Always', { readinessGates: [{ conditionType: 'x/y' }] });
  const facts = {
    podAddress: '1',
    hostAddress: '2',
    startTime: '',
    initContainers: [],
    sandboxReady: true,
    failure: undefined,
  };
  const status = podStatus({ ...facts, pod: gated, containers: [running], now: '' });
  assert.equal(status.conditions?.find(({ type }) => type === 'Ready')?.reason, 'ReadinessGatesNotReady');
  assert.equal(status.conditions?.find(({ type }) => type === 'ContainersReady')?.status, 'True');
});

test('a pod that has ended', () => {
  const ended = { ...pod('Never'), status: { phase: 'Failed', containerStatuses: [exited(1)] } };
  assert.equal(isFinished(ended), true);
  assert.equal(isFinished({ ...pod('Always'), status: { phase: 'Running', containerStatuses: [running] } }), false);
  assert.equal(isFinished({ ...pod('Never'), status: { phase: 'Failed', reason: 'DeadlineExceeded' } }), true);
});

test('which ends are followed by a restart', () => {
  const cases = [
    ['main', 'Always', 0, true],
    ['main', 'OnFailure', 0, false],
    ['main', 'OnFailure', 1, true],
    ['main', 'Never', 1, false],
    ['init', 'Always', 0, false],
    ['init', 'Always', 1, true],
    ['init', 'Never', 1, false],
    ['sidecar', 'Never', 0, true],
  ] as const;
  for (const [role, policy, code, expected] of cases)
    assert.equal(restarts(role, policy, code), expected, `${role} ${policy} ${code}`);
});

test('delays double from ten seconds to five minutes, and a long run forgets them', () => {
  const delay = restartDelays();
  const seconds = Array.from({ length: 8 }, () => delay(1000) / 1000);
  assert.deepEqual(seconds, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.equal(delay(600_000), 0);
  assert.equal(delay(1000), 10_000);
});

test('probe answers need results in a row', () => {
  const count = countResults({ success: 2, failure: 3 });
  const answers = [true, true, false, false, true, false, false, false, false, true, true].map(count);
  const [s, f, o] = ['success', 'failure', undefined] as const;
  assert.deepEqual(answers, [o, s, o, o, o, o, o, f, f, o, s]);
});

test('what an earlier life left is the last run', () => {
  const spec = { name: 'c', image: 'i' };
  assert.equal(initialRecord(spec, undefined, 'ContainerCreating').restartCount, 0);
  const before = record({ running: { startedAt: 't' } }, { containerID: 'x', restartCount: 2 });
  const after = initialRecord(spec, [before], 'ContainerCreating');
  assert.equal(after.restartCount, 3);
  assert.equal(after.lastState?.terminated?.exitCode, 255);
});
