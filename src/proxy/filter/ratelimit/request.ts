import { lookupMessage } from '../../../model/envoy/index.ts';
import type { ToldDescriptor } from '../../rate-limit/descriptor.ts';
import { sanitizedUtf8 } from '../utf8.ts';

const REQUEST = 'envoy.service.ratelimit.v3.RateLimitRequest';
/** Numbers of `envoy.type.v3.RateLimitUnit`. */
const UNITS = { SECOND: 1, MINUTE: 2, HOUR: 3, DAY: 4, MONTH: 5, YEAR: 6 } as const;

/** An encoded `envoy.service.ratelimit.v3.RateLimitRequest`. */
export function limitRequest(domain: string, descriptors: readonly ToldDescriptor[]): Buffer {
  const type = lookupMessage(REQUEST);
  if (!type) throw new Error(`no message ${REQUEST}`);
  const bytes = type.encode({ domain, descriptors: descriptors.map(descriptorOf) }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function descriptorOf({ entries, hits, negative, limit }: ToldDescriptor): Readonly<Record<string, unknown>> {
  return {
    entries: entries.map(({ key, value }) => ({ key: sanitizedUtf8(key), value: sanitizedUtf8(value) })),
    ...(limit ? { limit: { requests_per_unit: limit.requests, unit: UNITS[limit.unit] } } : {}),
    ...(hits === undefined ? {} : { hits_addend: { value: hits } }),
    ...(negative ? { is_negative_hits: true } : {}),
  };
}
