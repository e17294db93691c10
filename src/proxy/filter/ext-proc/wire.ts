import { decodeBinary, type JsonObject, lookupMessage, messageOf } from '../../../model/envoy/index.ts';
import { isObject } from '../../config/fields.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { MetadataSource } from '../../match/metadata.ts';
import type { WireMode } from './mode.ts';

const REQUEST = 'envoy.service.ext_proc.v3.ProcessingRequest';
const RESPONSE = 'envoy.service.ext_proc.v3.ProcessingResponse';
const STRUCT = 'google.protobuf.Struct';

export type Field = readonly [name: string, value: string];

/** What of a message its processor is asked about. */
export type Part =
  | { readonly headers: readonly Field[]; readonly done: boolean }
  | { readonly body: Buffer; readonly done: boolean }
  | { readonly trailers: readonly Field[] };

type Message = Readonly<Record<string, unknown>>;

/** An encoded `ProcessingRequest`. */
export function encodeRequest(side: 'request' | 'response', part: Part, extra: Message): Buffer {
  const type = lookupMessage(REQUEST);
  if (!type) throw new Error(`no message ${REQUEST}`);
  const bytes = type.encode({ ...partOf(side, part), ...extra }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function partOf(side: 'request' | 'response', part: Part): Message {
  if ('headers' in part) return { [`${side}_headers`]: { headers: fieldsOf(part.headers), end_of_stream: part.done } };
  if ('body' in part) return { [`${side}_body`]: { body: part.body, end_of_stream: part.done } };
  return { [`${side}_trailers`]: { trailers: fieldsOf(part.trailers) } };
}

function fieldsOf(fields: readonly Field[]): Message {
  return { headers: fields.map(([key, value]) => ({ key, raw_value: Buffer.from(value, 'latin1') })) };
}

/** Fields that a server may be told, in their order, after those of the first line. */
export function toldFields(first: readonly Field[], headers: HeaderMap, told: (name: string) => boolean): Field[] {
  return [...first, ...headers.list()].filter(([name]) => told(name));
}

/** An `envoy.config.core.v3.Metadata` with those of the namespaces that there are. */
export function metadataContext(source: MetadataSource, namespaces: readonly string[]): Message {
  const found: Record<string, unknown> = {};
  for (const namespace of namespaces) {
    const value = source.metadata(namespace, []);
    if (isObject(value)) found[namespace] = messageOf(STRUCT, value as JsonObject);
  }
  return { filter_metadata: found };
}

/** An `envoy.config.core.v3.HeaderValueOption` as it came. */
export interface WireOption {
  readonly header: { readonly key: string; readonly raw_value: Uint8Array } | null;
  readonly append: { readonly value: boolean } | null;
}

export interface WireMutation {
  readonly set_headers: readonly WireOption[];
  readonly remove_headers: readonly string[];
}

export interface WireCommon {
  readonly status: number;
  readonly header_mutation: WireMutation | null;
  readonly body_mutation: {
    readonly mutation?: string;
    readonly body: Uint8Array;
    readonly clear_body: boolean;
  } | null;
  readonly clear_route_cache: boolean;
}

export interface WireImmediate {
  readonly status: { readonly code: number } | null;
  readonly headers: WireMutation | null;
  readonly body: Uint8Array;
  readonly grpc_status: { readonly status: number } | null;
  readonly details: string;
}

/** A `ProcessingResponse` as it came; `response` names the member of its oneof. */
export interface WireResponse {
  readonly response?: string;
  readonly request_headers: { readonly response: WireCommon | null } | null;
  readonly response_headers: { readonly response: WireCommon | null } | null;
  readonly request_body: { readonly response: WireCommon | null } | null;
  readonly response_body: { readonly response: WireCommon | null } | null;
  readonly request_trailers: { readonly header_mutation: WireMutation | null } | null;
  readonly response_trailers: { readonly header_mutation: WireMutation | null } | null;
  readonly immediate_response: WireImmediate | null;
  readonly dynamic_metadata: object | null;
  readonly mode_override: WireMode | null;
  readonly override_message_timeout: { readonly seconds: unknown; readonly nanos: number } | null;
}

/** Undefined: the bytes are no `ProcessingResponse`. */
export function decodeResponse(bytes: Buffer): WireResponse | undefined {
  const type = lookupMessage(RESPONSE);
  if (!type) throw new Error(`no message ${RESPONSE}`);
  try {
    return type.decode(bytes) as unknown as WireResponse;
  } catch {
    return undefined;
  }
}

/** Metadata of a response that has some, by namespace. */
export function metadataOf(bytes: Buffer): readonly (readonly [namespace: string, values: JsonObject])[] {
  const json = decodeBinary(RESPONSE, bytes)['dynamic_metadata'];
  return Object.entries(isObject(json) ? json : {}).flatMap(([namespace, values]) =>
    isObject(values) ? [[namespace, values as JsonObject] as const] : [],
  );
}
