export { decodeBinary, decodeResource, encodeResource, messageOf, type ResourceFault } from './binary.ts';
export { type DecodedResource, type DecodeOptions, decodeEnvoyJson } from './decode.ts';
export { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
export { nearestNames } from './nearest.ts';
export { forgetDefinitions, lookupMessage } from './registry.ts';
export { durationNanos } from './scalars.ts';
export { type GrpcMessage, grpcService } from './service.ts';
export { resourceNameField, serviceName, typeName, typeNameOf, typeUrl } from './type-urls.ts';
