import type { Type, Writer } from 'protobufjs';
import { EncodedMessage, type Endpoint, type Flow, messageType, protobufLibrary } from '../../model/flow/index.ts';
import { createFieldsWriter, type FieldWriter, lengthDelimitedTag } from './write-fields.ts';

interface Encoder {
  readonly writer: Writer;
  readonly writeFlow: (flow: Flow, out: Writer) => void;
  readonly time: Type;
  readonly responseTags: Readonly<Record<'flow' | 'node_name' | 'time', number>>;
}

let encoder: Encoder | undefined;

/** Messages share memory in pieces of this size: a ring holds thousands, which come and go in order. */
const chunkSize = 64 * 1024;
/** A message that needs more than is left of a chunk makes the writer copy the whole of it. */
const roomForOne = 4 * 1024;

/** A flow's `observer.GetFlowsResponse` in protobuf; the order of its fields, which protobuf leaves open, is that in which they were set. */
export function encodeFlowResponse(flow: Flow): EncodedMessage {
  const { writer, writeFlow, responseTags, time } = encoder ?? createEncoder();
  if (writer.buf.length - writer.pos < roomForOne) startChunk(writer);
  const start = writer.pos;
  writer.uint32(responseTags.flow).fork();
  writeFlow(flow, writer);
  writer.ldelim();
  if (flow.node_name) writer.uint32(responseTags.node_name).string(flow.node_name);
  if (flow.time) time.encode(flow.time, writer.uint32(responseTags.time).fork()).ldelim();
  return new EncodedMessage(writer.buf.subarray(start, writer.pos) as Buffer);
}

function startChunk(writer: Writer): void {
  writer.buf = Buffer.allocUnsafeSlow(chunkSize);
  writer.view = null;
  writer.pos = 0;
}

const knownEndpoints = new WeakMap<Endpoint, Uint8Array>();

/** The two endpoints are most of a flow and come again and again as the same objects, so each is encoded once. */
function endpointWriter(endpoints: Type, tag: number): FieldWriter {
  return (value, out) => {
    const endpoint = value as Endpoint;
    let bytes = knownEndpoints.get(endpoint);
    if (!bytes) {
      bytes = endpoints.encode(endpoint).finish();
      knownEndpoints.set(endpoint, bytes);
    }
    out.uint32(tag).bytes(bytes);
  };
}

function createEncoder(): Encoder {
  const response = messageType('observer.GetFlowsResponse');
  const flow = messageType('flow.Flow');
  const endpoint = messageType('flow.Endpoint');
  const tag = (type: Type, name: string): number => lengthDelimitedTag(type.get(name) as import('protobufjs').Field);
  encoder = {
    writer: protobufLibrary().Writer.create(),
    writeFlow: createFieldsWriter(flow, {
      source: endpointWriter(endpoint, tag(flow, 'source')),
      destination: endpointWriter(endpoint, tag(flow, 'destination')),
    }),
    time: messageType('google.protobuf.Timestamp'),
    responseTags: {
      flow: tag(response, 'flow'),
      node_name: tag(response, 'node_name'),
      time: tag(response, 'time'),
    },
  };
  return encoder;
}
