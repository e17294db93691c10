import { type Fields, isObject, typeName } from '../config/fields.ts';
import { readFraction } from '../runtime/read.ts';
import type { TraceContext } from './trace-context.ts';

/** Decides whether a span that begins is recorded, where the connection manager wants it. */
export type Sampler = (traceId: string, parent: TraceContext | undefined) => boolean;

const PACKAGE = 'envoy.extensions.tracers.opentelemetry.samplers.v3';
const ALWAYS_ON = `${PACKAGE}.AlwaysOnSamplerConfig`;
const PARENT_BASED = `${PACKAGE}.ParentBasedSamplerConfig`;
const RATIO = `${PACKAGE}.TraceIdRatioBasedSamplerConfig`;
const NAMES = [ALWAYS_ON, PARENT_BASED, RATIO].join(', ');

/** Reads the `TypedExtensionConfig` of a sampler. */
export function readSampler(fields: Fields): Sampler | undefined {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  switch (type) {
    case ALWAYS_ON:
      fields.message('typed_config', () => undefined);
      return () => true;
    case PARENT_BASED:
      return fields.message('typed_config', readParentBased);
    case RATIO:
      return fields.message('typed_config', readRatio);
    default:
      fields.problem('typed_config', `sampler ${JSON.stringify(type)} is not supported by ciliate-proxy`, NAMES);
      return undefined;
  }
}

function readParentBased(fields: Fields): Sampler | undefined {
  const first = fields.message('wrapped_sampler', readSampler);
  if (!fields.has('wrapped_sampler')) fields.problem('wrapped_sampler', 'value is required');
  return first && ((traceId, parent) => (parent ? parent.sampled : first(traceId, parent)));
}

function readRatio(fields: Fields): Sampler {
  const { numerator, denominator } = fields.message('sampling_percentage', readFraction) ?? {
    numerator: 0,
    denominator: 100,
  };
  return (traceId) => Number(ratioNumber(traceId) % BigInt(denominator)) < numerator;
}

/** The number that a trace is chosen by: the first eight bytes of its id, the last of them first. */
function ratioNumber(traceId: string): bigint {
  return Buffer.from(traceId.slice(0, 16), 'hex').readBigUInt64LE();
}
