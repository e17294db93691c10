import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asked } from './cluster.ts';
import { createJudgement } from './judgement.ts';
import type { Decision, Versions } from './versions.ts';

const asked: Asked = {
  client: 'c',
  backend: 'b',
  port: 80,
  method: 'GET',
  path: '/',
  from: 1_000,
  to: 1_010,
  outcome: 'passed',
};
const yes: Decision = { passes: true, verdict: 'http' };
const no: Decision = { passes: false, verdict: 'http' };
const direct: Decision = { passes: true, verdict: 'allow' };

function judged(egress: readonly Decision[], ingress: readonly Decision[], outcome: string, killedMs?: number) {
  const decisions: Versions['decisions'] = (_node, _asked, direction) => (direction === 'egress' ? egress : ingress);
  const paths: Versions['paths'] = (...of) => new Set(decisions(...of).map(({ verdict }) => verdict));
  const judgement = createJudgement({ decisions, paths } as Versions, (address) => (address === 'c' ? 1 : 2));
  if (killedMs !== undefined) judgement.killed(2, killedMs)(killedMs);
  judgement.judge([{ ...asked, outcome }]);
  const { violations, failures, excusedByRestart, excusedByPath } = judgement.counts;
  return [violations.length, failures.length, excusedByRestart, excusedByPath];
}

test('what passes must be allowed at both ends, each by some version', () => {
  assert.deepEqual(judged([yes, no], [no, yes], 'passed'), [0, 0, 0, 0]);
  assert.deepEqual(judged([yes, yes], [no, no], 'passed'), [1, 0, 0, 0]);
  assert.deepEqual(judged([no], [yes], 'passed'), [1, 0, 0, 0]);
});

test('what every version allows must pass, but while its own data plane restarts or its path changes', () => {
  assert.deepEqual(judged([yes], [yes], '403'), [0, 1, 0, 0]);
  assert.deepEqual(judged([yes], [yes, no], '403'), [0, 0, 0, 0]);
  assert.deepEqual(judged([yes], [yes], 'ECONNRESET', 900), [0, 0, 1, 0]);
  assert.deepEqual(judged([yes], [yes], 'ECONNRESET', -40_000), [0, 1, 0, 0]);
  assert.deepEqual(judged([yes, direct], [yes], 'ECONNRESET'), [0, 0, 0, 1]);
});
