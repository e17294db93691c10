import { typed } from './config.ts';
import type { Json } from './types.ts';

/** Short builders for `xds.type.matcher.v3.Matcher`. */

const NETWORK = 'envoy.extensions.matching.common_inputs.network.v3';
const MATCHERS = 'envoy.extensions.matching.input_matchers';

const extension = (typed_config: Json): Json => ({ name: 'any', typed_config });

export const connectionInput = (name: string, config: Json = {}): Json =>
  extension(typed(`${NETWORK}.${name}`, config));
export const sslInput = (name: string): Json =>
  extension(typed(`envoy.extensions.matching.common_inputs.ssl.v3.${name}`));
export const headerInput = (header_name: string): Json =>
  extension(typed('envoy.type.matcher.v3.HttpRequestHeaderMatchInput', { header_name }));
export const metadataInput = (filter: string, ...path: readonly string[]): Json =>
  connectionInput('DynamicMetadataInput', { filter, path: path.map((key) => ({ key })) });
export const environmentInput = (name: string): Json =>
  extension(typed('envoy.extensions.matching.common_inputs.environment_variable.v3.Config', { name }));

export const valueTest = (kind: string, config: Json): Json => extension(typed(`${MATCHERS}.${kind}`, config));

export const single = (input: Json, value_match: Json): Json => ({ single_predicate: { input, value_match } });
export const custom = (input: Json, custom_match: Json): Json => ({ single_predicate: { input, custom_match } });
export const either = (...predicate: readonly Json[]): Json => ({ or_matcher: { predicate } });
export const all = (...predicate: readonly Json[]): Json => ({ and_matcher: { predicate } });
export const none = (not_matcher: Json): Json => ({ not_matcher });

export const act = (config: Json): Json => ({ action: extension(config) });
export const subtree = (matcher: Json): Json => ({ matcher });

export const list = (rows: readonly (readonly [Json, Json])[], on_no_match?: Json): Json => ({
  matcher_list: { matchers: rows.map(([predicate, on_match]) => ({ predicate, on_match })) },
  ...(on_no_match ? { on_no_match } : {}),
});

const tree = (input: Json, kind: Json, on_no_match?: Json): Json => ({
  matcher_tree: { input, ...kind },
  ...(on_no_match ? { on_no_match } : {}),
});
export const exactMap = (input: Json, map: Json, otherwise?: Json): Json =>
  tree(input, { exact_match_map: { map } }, otherwise);
export const prefixMap = (input: Json, map: Json, otherwise?: Json): Json =>
  tree(input, { prefix_match_map: { map } }, otherwise);

interface Range {
  readonly ranges: readonly (readonly [string, number])[];
  readonly leads: Json;
  readonly exclusive?: true;
}
export const ipTree = (input: Json, list: readonly Range[], otherwise?: Json): Json => {
  const range_matchers = list.map(({ ranges, leads, exclusive = false }) => ({
    ranges: ranges.map(([address_prefix, prefix_len]) => ({ address_prefix, prefix_len })),
    on_match: leads,
    exclusive,
  }));
  return tree(
    input,
    { custom_match: extension(typed('xds.type.matcher.v3.IPMatcher', { range_matchers })) },
    otherwise,
  );
};
export const domainTree = (
  input: Json,
  list: readonly (readonly [readonly string[], Json])[],
  otherwise?: Json,
): Json => {
  const domain_matchers = list.map(([domains, on_match]) => ({ domains, on_match }));
  const config = typed('xds.type.matcher.v3.ServerNameMatcher', { domain_matchers });
  return tree(input, { custom_match: extension(config) }, otherwise);
};
