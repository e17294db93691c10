import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../base/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { ObjectReport } from '../plan/index.ts';
import { createReportWriter, type ReportedObject } from './reports.ts';

const log = createLogger('reports-test');
log.level = 'silent';

const object: ReportedObject = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEnvoyConfig',
  metadata: { namespace: 'default', name: 'cfg', uid: 'u', resourceVersion: '7' },
};

function report(type: string, status: 'True' | 'False', message: string): ObjectReport {
  return {
    kind: 'CiliumEnvoyConfig',
    namespace: 'default',
    name: 'cfg',
    condition: { type, status, reason: 'R', message },
  };
}

/** A client that notes what is written, and answers with the reasons given, one a patch. */
function recorder(...failures: string[]) {
  const patches: { status: { conditions: { type: string; message: string }[] } }[] = [];
  const events: unknown[] = [];
  const client = {
    patch: async (_path: unknown, patch: (typeof patches)[number]) => {
      patches.push(patch);
      const reason = failures.shift();
      return reason === undefined
        ? { ok: true, value: {} }
        : { ok: false, error: { code: 409, reason, message: reason } };
    },
    create: async (_path: unknown, event: unknown) => {
      events.push(event);
      return { ok: true, value: {} };
    },
  } as unknown as KubeClient;
  return { patches, events, writer: createReportWriter({ client, log }) };
}

test('all conditions of an object are one write, a bad one an Event', async () => {
  const { patches, events, writer } = recorder();
  await writer.write([report('Accepted', 'True', 'in force'), report('Ready', 'False', 'no backend')], [object]);
  assert.deepEqual(
    patches.map(({ status }) => status.conditions.map(({ type, message }) => `${type}: ${message}`)),
    [['Accepted: in force', 'Ready: no backend']],
  );
  assert.equal(events.length, 1);
});

test('what stands already, or was said before, is not written again whatever another agent wrote since', async () => {
  const { patches, writer } = recorder();
  const reports = [report('Ready', 'False', 'mine')];
  await writer.write(reports, [object]);
  const overwritten = {
    ...object,
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: 'theirs' }] },
  };
  await writer.write(reports, [overwritten]);
  await writer.write(reports, [overwritten]);
  assert.equal(patches.length, 1);
  await writer.write([report('Ready', 'False', 'mine changed')], [overwritten]);
  assert.equal(patches.length, 2);
});

test('a write that lost against another is tried again', async () => {
  const { patches, writer } = recorder('Conflict');
  const reports = [report('Ready', 'True', 'x')];
  await writer.write(reports, [object]);
  await writer.write(reports, [object]);
  assert.equal(patches.length, 2);
});
