import type { HeaderMap } from '../../http/headers.ts';
import { RETRY, RETRY_GRPC, retryBits } from '../../route/retry.ts';
import type { StrictHeader } from './config.ts';
import { wholeNumber } from './number.ts';

/** The first of the headers whose value is not of the kind it needs; undefined when all are absent or good. */
export function strictFault(
  names: readonly StrictHeader[],
  headers: HeaderMap,
): { readonly name: string; readonly value: string } | undefined {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== undefined && !isGood(name, value)) return { name, value };
  }
  return undefined;
}

function isGood(name: StrictHeader, value: string): boolean {
  switch (name) {
    case 'x-envoy-retry-on':
      return retryBits(value, RETRY).valid;
    case 'x-envoy-retry-grpc-on':
      return retryBits(value, RETRY_GRPC).valid;
    default:
      return wholeNumber(value) !== undefined;
  }
}
