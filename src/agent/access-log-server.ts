import type {
  ServerReadableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from '../base/index.ts';
import { type GrpcMessage, grpcService, lookupMessage, messageJson } from '../model/envoy/index.ts';
import type { HttpEvent } from '../model/flow/index.ts';
import { type HttpAccessLogEntry, httpEventOf } from './access-log.ts';

interface LogsMessage {
  readonly identifier?: { readonly log_name?: string } | null;
  readonly http_logs?: { readonly log_entry?: readonly GrpcMessage[] } | null;
}

const entryTypeName = 'envoy.data.accesslog.v3.HTTPAccessLogEntry';

/** Envoy's AccessLogService: takes the data plane's entries and hands their events on. */
export function accessLogService(
  onEvent: (event: HttpEvent) => void,
  log: Logger,
): { readonly definition: ServiceDefinition; readonly implementation: UntypedServiceImplementation } {
  const entryType = lookupMessage(entryTypeName);
  if (!entryType) throw new Error(`${entryTypeName} is missing from the published Envoy API`);
  const StreamAccessLogs = (call: ServerReadableStream<LogsMessage, object>, done: sendUnaryData<object>): void => {
    let logName = '';
    call.on('data', (message: LogsMessage) => {
      // Only the first message of a stream carries the identifier.
      logName = message.identifier?.log_name ?? logName;
      for (const entry of message.http_logs?.log_entry ?? []) {
        const event = httpEventOf(logName, messageJson(entryType, entry) as HttpAccessLogEntry);
        if (event) onEvent(event);
      }
    });
    call.on('error', (error) => log.debug({ error: error.message }, 'access log stream ended'));
    call.on('end', () => done(null, {}));
  };
  return {
    definition: grpcService('envoy.service.accesslog.v3.AccessLogService'),
    implementation: { StreamAccessLogs },
  };
}
