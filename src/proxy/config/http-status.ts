import { lookupMessage } from '../../model/envoy/index.ts';
import type { Fields, JsonValue } from './fields.ts';

/** Reads the code of an `envoy.type.v3.HttpStatus`; 0 when there is none. */
export function readHttpStatus(fields: Fields): number {
  return statusNumber(fields.raw('code'));
}

/** The number of an `envoy.type.v3.StatusCode` as JSON has it; 0 when it is none. */
export function statusNumber(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? (codes()[value] ?? 0) : 0;
}

function codes(): Readonly<Record<string, number>> {
  const type = lookupMessage('envoy.type.v3.HttpStatus')?.fields['code']?.resolve().resolvedType;
  return type && 'values' in type ? type.values : {};
}
