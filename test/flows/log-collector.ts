import { entryTypeNames, undecodedAccessLogs } from '../../src/agent/access-log-server.ts';
import type { LogMessage } from '../../src/agent/access-log-wire.ts';
import type { serveOnSocket } from '../../src/agent/servers.ts';
import { decodeBinary } from '../../src/model/envoy/index.ts';
import type { LoggedEntry } from './played.ts';

interface LogCollector {
  readonly service: Parameters<typeof serveOnSocket>[1][number];
  /** Milliseconds of `performance.now()` at which the last entry came; 0 before the first since the last `take`. */
  lastAt(): number;
  /** What came since the last call. */
  take(): LoggedEntry[];
}

/** An access log service that keeps entries. */
export function createLogCollector(): LogCollector {
  let entries: LoggedEntry[] = [];
  let lastAt = 0;
  const StreamAccessLogs = (call: NodeJS.ReadableStream, done: (error: null, answer: object) => void): void => {
    let logName = '';
    call.on('data', (message: LogMessage) => {
      logName = message.logName ?? logName;
      for (const { kind, bytes } of message.entries) {
        entries.push({ kind, logName, entry: decodeBinary(entryTypeNames[kind], bytes) });
      }
      lastAt = performance.now();
    });
    call.on('error', () => undefined);
    call.on('end', () => done(null, {}));
  };
  return {
    service: { definition: undecodedAccessLogs(), implementation: { StreamAccessLogs } },
    lastAt: () => lastAt,
    take: () => {
      const taken = entries;
      entries = [];
      lastAt = 0;
      return taken;
    },
  };
}
