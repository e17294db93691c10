import { readDataSource } from '../config/data-source.ts';
import type { Fields } from '../config/fields.ts';
import { type CompiledFormat, readFormatString } from '../format/format-string.ts';

/** `envoy.config.route.v3.DirectResponseAction`. `body` is latin1 text of its bytes. */
export interface DirectResponse {
  readonly kind: 'direct';
  readonly status: number;
  readonly body: string;
  /** Makes the body of `body`, which is then its `%LOCAL_REPLY_BODY%`. */
  readonly format: CompiledFormat | undefined;
}

export function readDirectResponse(fields: Fields, maxBody: number): DirectResponse {
  const status = fields.number('status') ?? 0;
  if (status < 200 || status > 599) fields.problem('status', `found ${status}`, '200 to 599');
  return {
    kind: 'direct',
    status,
    body: fields.message('body', (source) => readDataSource(source, maxBody)) ?? '',
    format: fields.message('body_format', readFormatString),
  };
}
