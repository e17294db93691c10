import type {
  ServerReadableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from '../base/index.ts';
import { type GrpcMessage, grpcService, lookupMessage, messageJson } from '../model/envoy/index.ts';
import type { HttpEvent, TlsEvent } from '../model/flow/index.ts';
import { type HttpAccessLogEntry, httpEventOf, type TcpAccessLogEntry, tlsEventOf } from './access-log.ts';

interface LogsMessage {
  readonly identifier?: { readonly log_name?: string } | null;
  readonly http_logs?: { readonly log_entry?: readonly GrpcMessage[] } | null;
  readonly tcp_logs?: { readonly log_entry?: readonly GrpcMessage[] } | null;
}

type MessageType = NonNullable<ReturnType<typeof lookupMessage>>;

const typeNames = {
  http: 'envoy.data.accesslog.v3.HTTPAccessLogEntry',
  tcp: 'envoy.data.accesslog.v3.TCPAccessLogEntry',
} as const;

/** Envoy's AccessLogService: takes the data plane's entries and hands their events on. */
export function accessLogService(
  onEvent: (event: HttpEvent | TlsEvent) => void,
  log: Logger,
): { readonly definition: ServiceDefinition; readonly implementation: UntypedServiceImplementation } {
  const [httpType, tcpType] = [entryType('http'), entryType('tcp')];
  const StreamAccessLogs = (call: ServerReadableStream<LogsMessage, object>, done: sendUnaryData<object>): void => {
    let logName = '';
    call.on('data', (message: LogsMessage) => {
      // Only the first message of a stream carries the identifier.
      logName = message.identifier?.log_name ?? logName;
      for (const entry of message.http_logs?.log_entry ?? []) {
        const event = httpEventOf(logName, messageJson(httpType, entry) as HttpAccessLogEntry);
        if (event) onEvent(event);
      }
      for (const entry of message.tcp_logs?.log_entry ?? []) {
        const event = tlsEventOf(messageJson(tcpType, entry) as TcpAccessLogEntry);
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

function entryType(kind: keyof typeof typeNames): MessageType {
  const found = lookupMessage(typeNames[kind]);
  if (!found) throw new Error(`${typeNames[kind]} is missing from the published Envoy API`);
  return found;
}
