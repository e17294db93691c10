import { randomFillSync } from 'node:crypto';
import { type Fields, isObject, typeName } from '../config/fields.ts';

const POOL = 512;
const random = Buffer.alloc(16 * POOL);
let next = random.length;

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
  const hex = random.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
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
  const extension = fields.message('request_id_extension', readExtension) ?? UUID;
  return {
    generate: fields.boolean('generate_request_id') ?? true,
    preserve: fields.flag('preserve_external_request_id'),
    inResponse: fields.flag('always_set_request_id_in_response'),
    ...extension,
  };
}

const UUID_TYPE = 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig';
const UUID = { packTraceReason: true, decidesSampling: true };

function readExtension(fields: Fields): typeof UUID | undefined {
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
