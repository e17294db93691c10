import { alone, type CommandKind } from './command.ts';

/** Commands about bytes on the wire. HTTP/1.1 compresses no headers, and the kernel does not tell what it sent again. */
export const BYTE_COMMANDS: Readonly<Record<string, CommandKind>> = {
  BYTES_RECEIVED: alone((info) => info.bytesReceived),
  BYTES_SENT: alone((info) => info.bytesSent),
  BYTES_RETRANSMITTED: alone(() => 0),
  PACKETS_RETRANSMITTED: alone(() => 0),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: alone((info) => info.wireReceived),
  DOWNSTREAM_WIRE_BYTES_SENT: alone((info) => info.wireSent),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: alone((info) => info.fieldsReceived),
  DOWNSTREAM_HEADER_BYTES_SENT: alone((info) => info.fieldsSent),
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: alone((info) => info.fieldsReceived),
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: alone((info) => info.fieldsSent),
  UPSTREAM_WIRE_BYTES_RECEIVED: alone((info) => info.upstreamWireReceived),
  UPSTREAM_WIRE_BYTES_SENT: alone((info) => info.upstreamWireSent),
  UPSTREAM_HEADER_BYTES_RECEIVED: alone((info) => info.upstreamFieldsReceived),
  UPSTREAM_HEADER_BYTES_SENT: alone((info) => info.upstreamFieldsSent),
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: alone((info) => info.upstreamFieldsSummed),
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: alone((info) => info.upstreamFieldsSent),
};
