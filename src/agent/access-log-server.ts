import type {
  MethodDefinition,
  ServerReadableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from '../base/index.ts';
import { grpcService, lookupMessage } from '../model/envoy/index.ts';
import type { HttpEvent, TlsEvent } from '../model/flow/index.ts';
import { type HttpAccessLogEntry, httpEventOf, type TcpAccessLogEntry, tlsEventOf } from './access-log.ts';
import { createEntryQueue, type LogEntry } from './access-log-queue.ts';
import { type LogMessage, readLogMessage } from './access-log-wire.ts';

export interface AccessLogOptions {
  readonly onEvent: (event: HttpEvent | TlsEvent) => void;
  /** Entries that came faster than they could be made into events, and those that the data plane had no room for. */
  readonly onLost: (count: number) => void;
  readonly log: Logger;
}

/** Messages of the entries. */
export const entryTypeNames = {
  http: 'envoy.data.accesslog.v3.HTTPAccessLogEntry',
  tcp: 'envoy.data.accesslog.v3.TCPAccessLogEntry',
} as const;

/**
 * Envoy's AccessLogService: takes the data planes' entries, never holding one up, and hands their events on. `ciliate-proxy` says what it drops: it is
 * not read from while there is more than enough, so that entries which would be lost are not even written. Envoy does not, so what is too much is
 * counted here.
 */
export function accessLogService({ onEvent, onLost, log }: AccessLogOptions): {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
} {
  const types = { http: entryType('http'), tcp: entryType('tcp') };
  const take = ({ kind, logName, bytes }: LogEntry): void => {
    const event = eventOf(logName, kind, bytes);
    if (event) onEvent(event);
  };
  const eventOf = (logName: string, kind: LogEntry['kind'], bytes: Uint8Array): HttpEvent | TlsEvent | undefined => {
    try {
      const entry = types[kind].decode(bytes) as unknown;
      return kind === 'http'
        ? httpEventOf(logName, entry as HttpAccessLogEntry)
        : tlsEventOf(entry as TcpAccessLogEntry);
    } catch (error) {
      log.warn({ logName, error: (error as Error).message }, 'an access log entry cannot be read');
      return undefined;
    }
  };
  const held = new Set<ServerReadableStream<LogMessage, object>>();
  const readOn = (): void => {
    for (const call of held) call.resume();
    held.clear();
  };
  const queue = createEntryQueue({ take, onLost, onEmpty: readOn });
  const StreamAccessLogs = (call: ServerReadableStream<LogMessage, object>, done: sendUnaryData<object>): void => {
    let logName = '';
    let tellsDropped = false;
    call.on('data', (message: LogMessage) => {
      logName = message.logName ?? logName;
      tellsDropped ||= message.dropped !== undefined;
      if (message.dropped) onLost(message.dropped);
      queue.push(message.entries.map((entry) => ({ ...entry, logName })));
      if (!tellsDropped || !queue.filled()) return;
      held.add(call.pause());
    });
    call.on('error', (error) => log.debug({ error: error.message }, 'access log stream ended'));
    call.on('end', () => done(null, {}));
  };
  return { definition: undecodedAccessLogs(), implementation: { StreamAccessLogs } };
}

/** The service with requests whose entries stay bytes: decoding them is most of the work, and is not done for what is lost. */
export function undecodedAccessLogs(): ServiceDefinition {
  const service = grpcService('envoy.service.accesslog.v3.AccessLogService') as Record<
    string,
    MethodDefinition<object, object>
  >;
  const method = service['StreamAccessLogs'];
  if (!method) throw new Error('StreamAccessLogs is missing from the published Envoy API');
  return { StreamAccessLogs: { ...method, requestDeserialize: readLogMessage } };
}

function entryType(kind: LogEntry['kind']): NonNullable<ReturnType<typeof lookupMessage>> {
  const found = lookupMessage(entryTypeNames[kind]);
  if (!found) throw new Error(`${entryTypeNames[kind]} is missing from the published Envoy API`);
  return found;
}
