import type { ServiceDefinition } from '@grpc/grpc-js';
import { type LogMessage, readLogMessage } from '../../src/agent/access-log-wire.ts';
import type { serveOnSocket } from '../../src/agent/servers.ts';
import { decodeBinary, grpcService } from '../../src/model/envoy/index.ts';
import type { LoggedEntry } from './played.ts';

interface LogCollector {
  readonly service: Parameters<typeof serveOnSocket>[1][number];
  /** Milliseconds of `performance.now()` at which the last entry came; 0 before the first since the last `take`. */
  lastAt(): number;
  /** What came since the last call. */
  take(): LoggedEntry[];
}

const typeNames = {
  http: 'envoy.data.accesslog.v3.HTTPAccessLogEntry',
  tcp: 'envoy.data.accesslog.v3.TCPAccessLogEntry',
} as const;

/** An access log service that keeps entries. */
export function createLogCollector(): LogCollector {
  let entries: LoggedEntry[] = [];
  let lastAt = 0;
  const definition = grpcService('envoy.service.accesslog.v3.AccessLogService') as Record<string, object>;
  const method = { ...definition['StreamAccessLogs'], requestDeserialize: readLogMessage };
  const StreamAccessLogs = (call: NodeJS.ReadableStream, done: (error: null, answer: object) => void): void => {
    let logName = '';
    call.on('data', (message: LogMessage) => {
      logName = message.logName ?? logName;
      for (const { kind, bytes } of message.entries) {
        entries.push({ kind, logName, entry: decodeBinary(typeNames[kind], bytes) });
      }
      lastAt = performance.now();
    });
    call.on('error', () => undefined);
    call.on('end', () => done(null, {}));
  };
  return {
    service: {
      definition: { StreamAccessLogs: method } as unknown as ServiceDefinition,
      implementation: { StreamAccessLogs },
    },
    lastAt: () => lastAt,
    take: () => {
      const taken = entries;
      entries = [];
      lastAt = 0;
      return taken;
    },
  };
}
