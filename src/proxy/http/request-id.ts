import { randomFillSync } from 'node:crypto';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import { textIn } from '../transport/text.ts';

const POOL = 512;
const random = Buffer.alloc(16 * POOL);
let next = random.length;
const HEX = Buffer.from('0123456789abcdef');
const DASH = 0x2d;
const text = Buffer.alloc(36);

/** A random UUID of version 4 out of a pool refilled in one call. */
export function newRequestId(): string {
  if (next === random.length) {
    randomFillSync(random);
    next = 0;
  }
  const at = next;
  next += 16;
  random[at + 6] = ((random[at + 6] as number) & 15) | 64;
  random[at + 8] = ((random[at + 8] as number) & 63) | 128;
  let to = 0;
  for (let byte = 0; byte < 16; byte++) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) text[to++] = DASH;
    const value = random[at + byte] as number;
    text[to++] = HEX[value >> 4] as number;
    text[to++] = HEX[value & 15] as number;
  }
  return textIn(text, 0, text.length);
}

/** What a connection manager does with `x-request-id`. */
export interface RequestIdOptions {
  readonly generate: boolean;
  /** Keep the one that comes from outside at the edge. */
  readonly preserve: boolean;
  readonly inResponse: boolean;
  /** The reason for tracing is written into the id. */
  readonly packTraceReason: boolean;
  /** The id decides whether a request is sampled. */
  readonly decidesSampling: boolean;
}

/** Reads the fields of a connection manager on request ids. */
export function readRequestIds(fields: Fields): RequestIdOptions {
  const extension = fields.message('request_id_extension', readRequestIdExtension) ?? UUID;
  return {
    generate: fields.boolean('generate_request_id') ?? true,
    preserve: fields.flag('preserve_external_request_id'),
    inResponse: fields.flag('always_set_request_id_in_response'),
    ...extension,
  };
}

const UUID_TYPE = 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig';
const UUID = { packTraceReason: true, decidesSampling: true };

/** Reads an `envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension`. */
export function readRequestIdExtension(fields: Fields): typeof UUID | undefined {
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type !== UUID_TYPE) {
    fields.problem('typed_config', `${JSON.stringify(type)} is not supported by ciliate-proxy`, UUID_TYPE);
    return undefined;
  }
  return fields.message('typed_config', (uuid) => ({
    packTraceReason: uuid.boolean('pack_trace_reason') ?? true,
    decidesSampling: uuid.boolean('use_request_id_for_trace_sampling') ?? true,
  }));
}
