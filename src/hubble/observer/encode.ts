import { createRequire } from 'node:module';
import type { Type, Writer } from 'protobufjs';
import { EncodedMessage, type Endpoint, type Flow, messageType } from '../../model/flow/index.ts';

interface Encoder {
  readonly newWriter: () => Writer;
  readonly flow: Type;
  readonly endpoint: Type;
  readonly time: Type;
  /** Tags of fields that hold a message or a text, by field name. */
  readonly responseTags: Readonly<Record<'flow' | 'node_name' | 'time', number>>;
  readonly flowTags: Readonly<Record<'source' | 'destination', number>>;
}

let encoder: Encoder | undefined;

/**
 * A flow's `observer.GetFlowsResponse` in protobuf. The two endpoints are most of a flow and come again and again as the same objects, so each is
 * encoded once; they come after the other fields, whose order protobuf leaves open.
 */
export function encodeFlowResponse(flow: Flow): EncodedMessage {
  encoder ??= createEncoder();
  const { responseTags, flowTags, time } = encoder;
  const out = encoder.newWriter();
  out.uint32(responseTags.flow).fork();
  encoder.flow.encode({ ...flow, source: null, destination: null }, out);
  if (flow.source) out.uint32(flowTags.source).bytes(endpointBytes(encoder, flow.source));
  if (flow.destination) out.uint32(flowTags.destination).bytes(endpointBytes(encoder, flow.destination));
  out.ldelim();
  if (flow.node_name) out.uint32(responseTags.node_name).string(flow.node_name);
  if (flow.time) time.encode(flow.time, out.uint32(responseTags.time).fork()).ldelim();
  return new EncodedMessage(out.finish());
}

const knownEndpoints = new WeakMap<Endpoint, Uint8Array>();

function endpointBytes({ endpoint: type }: Encoder, endpoint: Endpoint): Uint8Array {
  const known = knownEndpoints.get(endpoint);
  if (known) return known;
  const bytes = type.encode(endpoint).finish();
  knownEndpoints.set(endpoint, bytes);
  return bytes;
}

const lengthDelimited = 2;

function createEncoder(): Encoder {
  const protobuf = createRequire(import.meta.url)('protobufjs') as typeof import('protobufjs');
  const response = messageType('observer.GetFlowsResponse');
  const flow = messageType('flow.Flow');
  const tag = (type: Type, name: string): number => ((type.fields[name]?.id ?? 0) << 3) | lengthDelimited;
  return {
    newWriter: () => protobuf.Writer.create(),
    flow,
    endpoint: messageType('flow.Endpoint'),
    time: response.root.lookupType('google.protobuf.Timestamp'),
    responseTags: {
      flow: tag(response, 'flow'),
      node_name: tag(response, 'node_name'),
      time: tag(response, 'time'),
    },
    flowTags: { source: tag(flow, 'source'), destination: tag(flow, 'destination') },
  };
}
