import type { Reader } from 'protobufjs';
import { protobufLibrary, toNumber } from '../model/flow/index.ts';
import type { LogEntry } from './access-log-queue.ts';

/** What one `envoy.service.accesslog.v3.StreamAccessLogsMessage` brings; its entries are parts of its bytes, not decoded. */
export interface LogMessage {
  /** Only the first message of a stream has one. */
  readonly logName: string | undefined;
  readonly entries: readonly Omit<LogEntry, 'logName'>[];
  /** Entries that `ciliate-proxy` had no room for since the message before: a field of ours, which its first message has even if there are none, and nobody else's. */
  readonly dropped: number | undefined;
}

/** Numbers of the published API: of the message, of its `identifier`, and of both lists of entries. */
const field = { identifier: 1, httpLogs: 2, tcpLogs: 3, dropped: 1000 } as const;
const identifierLogName = 2;
const listEntry = 1;

/** Throws on bytes that are not protobuf. */
export function readLogMessage(bytes: Uint8Array): LogMessage {
  const { Reader } = protobufLibrary();
  const entries: Omit<LogEntry, 'logName'>[] = [];
  let logName: string | undefined;
  let dropped: number | undefined;
  eachField(Reader.create(bytes), (number, reader) => {
    const kind = number === field.httpLogs ? 'http' : number === field.tcpLogs ? 'tcp' : undefined;
    if (kind) {
      eachField(Reader.create(reader.bytes()), (inner, list) => {
        if (inner !== listEntry) return false;
        entries.push({ kind, bytes: list.bytes() });
        return true;
      });
      return true;
    }
    if (number === field.dropped) {
      dropped = (dropped ?? 0) + toNumber(reader.uint64());
      return true;
    }
    if (number !== field.identifier) return false;
    eachField(Reader.create(reader.bytes()), (inner, identifier) => {
      if (inner !== identifierLogName) return false;
      logName = identifier.string();
      return true;
    });
    return true;
  });
  return { logName, entries, dropped };
}

/** Calls with each field; what the callback does not read is skipped. */
function eachField(reader: Reader, read: (number: number, reader: Reader) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!read(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
