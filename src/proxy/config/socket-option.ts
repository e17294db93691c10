import type { Fields } from './fields.ts';

/** An `envoy.config.core.v3.SocketOption`, as `setsockopt` takes it. */
export interface SocketOption {
  readonly level: number;
  readonly name: number;
  readonly value: number | Uint8Array;
  readonly state: 'STATE_PREBIND' | 'STATE_BOUND' | 'STATE_LISTENING';
}

export function readSocketOptions(fields: Fields, key: string): readonly SocketOption[] {
  return fields.list(key, (option): SocketOption => {
    option.ignore('description');
    const text = option.raw('buf_value');
    const int = option.number('int_value');
    if (text === undefined && int === undefined) option.problem('', 'value is required', 'int_value, buf_value');
    return {
      level: option.number('level') ?? 0,
      name: option.number('name') ?? 0,
      value: int === undefined ? Buffer.from(String(text ?? ''), 'base64') : lowHalf(int),
      state: option.choice('state', ['STATE_PREBIND', 'STATE_BOUND', 'STATE_LISTENING']),
    };
  });
}

/** The kernel takes an int: what is longer loses its upper half, as in Envoy. */
function lowHalf(value: number): number {
  return Number(BigInt.asIntN(32, BigInt(Math.trunc(value))));
}
