import type { Fields } from '../config/fields.ts';
import { readFraction } from '../runtime/read.ts';
import type { Fraction } from '../runtime/runtime.ts';
import { type CustomTag, readCustomTag } from '../tracing/custom-tags.ts';
import { readOperation, type SpanNames } from '../tracing/operation.ts';

/** What a route says about tracing instead of the connection manager. */
export interface RouteTracing extends SpanNames {
  readonly client: Fraction;
  readonly random: Fraction;
  readonly overall: Fraction;
  readonly custom: readonly CustomTag[];
}

/** What a route calls the work that it leads to. */
export interface Decorator {
  readonly operation: string;
  /** Who asked, or who is asked, is told. */
  readonly propagate: boolean;
}

const ALL: Fraction = { numerator: 100, denominator: 100 };

/** Reads an `envoy.config.route.v3.Tracing`. */
export function readRouteTracing(fields: Fields): RouteTracing {
  return {
    client: fields.message('client_sampling', readFraction) ?? ALL,
    random: fields.message('random_sampling', readFraction) ?? ALL,
    overall: fields.message('overall_sampling', readFraction) ?? ALL,
    custom: fields.list('custom_tags', readCustomTag),
    operation: readOperation(fields, 'operation'),
    upstreamOperation: readOperation(fields, 'upstream_operation'),
  };
}

/** Reads an `envoy.config.route.v3.Decorator`. */
export function readDecorator(fields: Fields): Decorator {
  return { operation: fields.required('operation'), propagate: fields.boolean('propagate') ?? true };
}
