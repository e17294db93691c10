import { typed } from './config.ts';
import type { Json } from './types.ts';

/** A filter that gives requests the Envoy headers that a client from outside may not send: `t-NAME` becomes `x-envoy-NAME`. */
export function steering(...names: readonly string[]): Json {
  const request_mutations = names.flatMap((name) => [
    { append: { header: { key: `x-envoy-${name}`, value: `%REQ(t-${name})%` } } },
    { remove: `t-${name}` },
  ]);
  return {
    name: 'steering',
    typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
      mutations: { request_mutations },
    }),
  };
}
