import {
  EncodedMessage,
  messageType,
  protobufLibrary,
  timestampNs,
  type WireTimestamp,
} from '../../model/flow/index.ts';

/** A peer's response, kept as bytes; only what the merge needs is read. */
export interface Envelope {
  readonly message: EncodedMessage;
  /** Nanoseconds since the epoch; 0 when the field mask left the time out. */
  readonly timeNs: bigint;
}

const timeField = 1001;

/** Reads the time of an encoded GetFlowsResponse or GetAgentEventsResponse, which have it at one place, and skips the rest. Throws on bytes that are not protobuf. */
export function readEnvelope(bytes: Buffer): Envelope {
  const reader = protobufLibrary().Reader.create(bytes);
  const timestamps = messageType('google.protobuf.Timestamp');
  let timeNs = 0n;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === timeField) {
      timeNs = timestampNs(timestamps.decode(reader, reader.uint32()) as unknown as WireTimestamp);
    } else reader.skipType(tag & 7);
  }
  return { message: new EncodedMessage(bytes), timeNs };
}
