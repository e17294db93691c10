import { PassThrough } from 'node:stream';
import { accessLogService } from '../../src/agent/access-log-server.ts';
import { readLogMessage } from '../../src/agent/access-log-wire.ts';
import { flowLookups } from '../../src/agent/flow-lookups.ts';
import { createLogger } from '../../src/base/index.ts';
import { buildFlow, type Redaction } from '../../src/hubble/index.ts';
import { encodeResource, type JsonObject } from '../../src/model/envoy/index.ts';
import type { Flow } from '../../src/model/flow/index.ts';
import type { LoggedEntry } from './played.ts';
import { planned, world } from './world.ts';

const lookups = flowLookups(world, planned, {
  endpointId: (address) => Number(address.split('.').at(-1)),
  namesOf: () => [],
  policyRevision: 1,
});

/** The flows that the agent makes of entries, by the agent's own way from the stream on; without a redaction with the one that holds by default. */
export async function flowsOf(entries: readonly LoggedEntry[], redaction?: Redaction): Promise<readonly Flow[]> {
  const flows: Flow[] = [];
  const { implementation } = accessLogService({
    onEvent: (event) => flows.push(...buildFlow(event, lookups, () => 'uuid', redaction)),
    onLost: (count) => {
      throw new Error(`${count} entries were lost`);
    },
    log: createLogger('flows'),
  });
  const serve = implementation['StreamAccessLogs'] as unknown as (call: PassThrough, done: () => void) => void;
  for (const one of entries) {
    const call = new PassThrough({ objectMode: true });
    await new Promise<void>((resolve) => {
      serve(call, resolve);
      call.end(readLogMessage(messageOf(one)));
    });
    // The agent makes flows of them in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return flows;
}

function messageOf({ kind, logName, entry }: LoggedEntry): Uint8Array {
  const message: JsonObject = {
    identifier: { log_name: logName },
    [kind === 'http' ? 'http_logs' : 'tcp_logs']: { log_entry: [entry] },
  };
  return encodeResource('envoy.service.accesslog.v3.StreamAccessLogsMessage', message);
}
