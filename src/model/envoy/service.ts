import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type protobufjs from 'protobufjs';
import { nameOf } from './fields.ts';
import { lookupMessage, lookupService } from './registry.ts';

/** A message on a gRPC stream: fields by original name, as protobufjs decodes them (64-bit integers as `Long`, bytes as Buffer). */
export type GrpcMessage = Readonly<Record<string, unknown>>;

/**
 * The definition of a service of the published Envoy API for `grpc.Server.addService` and `grpc.makeGenericClientConstructor`.
 * Messages are protobufjs objects with original field names; what a handler sends may be a plain object of the same form.
 */
export function grpcService(fullName: string): ServiceDefinition {
  const service = lookupService(fullName);
  const methods = service.methodsArray.map((method): [string, MethodDefinition<GrpcMessage, GrpcMessage>] => {
    method.resolve();
    return [method.name, methodDefinition(fullName, method)];
  });
  return Object.fromEntries(methods);
}

function methodDefinition(service: string, method: protobufjs.Method): MethodDefinition<GrpcMessage, GrpcMessage> {
  const request = coder(method.resolvedRequestType);
  const response = coder(method.resolvedResponseType);
  return {
    path: `/${service}/${method.name}`,
    requestStream: method.requestStream ?? false,
    responseStream: method.responseStream ?? false,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
    originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
  };
}

function coder(type: protobufjs.Type | null): {
  readonly serialize: (message: GrpcMessage) => Buffer;
  readonly deserialize: (bytes: Buffer) => GrpcMessage;
} {
  const found = type && lookupMessage(nameOf(type));
  if (!found) throw new Error(`a gRPC method without a message type: ${type?.fullName ?? 'none'}`);
  return {
    serialize: (message) => {
      const bytes = found.encode(message).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    deserialize: (bytes) => found.decode(bytes) as unknown as GrpcMessage,
  };
}
