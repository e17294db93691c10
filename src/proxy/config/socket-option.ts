import type { Fields } from './fields.ts';

/** An `envoy.config.core.v3.SocketOption`, as `setsockopt` takes it. */
export interface SocketOption {
  readonly level: number;
  readonly name: number;
  readonly value: number | Buffer;
  readonly state: 'STATE_PREBIND' | 'STATE_BOUND' | 'STATE_LISTENING';
}

export function readSocketOptions(fields: Fields, key: string): readonly SocketOption[] {
  return fields.list(key, (option): SocketOption => {
    option.ignore('description');
    if (option.has('type')) option.problem('type', 'is not supported by ciliate-proxy', 'unset');
    const text = option.raw('buf_value');
    const int = option.number('int_value');
    if (text === undefined && int === undefined) option.problem('', 'value is required', 'int_value, buf_value');
    return {
      level: option.number('level') ?? 0,
      name: option.number('name') ?? 0,
      value: int ?? Buffer.from(String(text ?? ''), 'base64'),
      state: option.choice('state', ['STATE_PREBIND', 'STATE_BOUND', 'STATE_LISTENING']),
    };
  });
}
