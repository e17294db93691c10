import type { Fields } from '../../config/fields.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import { type Chance, readRuntimeFraction } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** What one level says about requests from other origins; empty and undefined leave it to the level around. */
export interface CorsPolicy {
  readonly origins: readonly StringTest[];
  readonly methods: string;
  readonly headers: string;
  readonly exposed: string;
  readonly maxAge: string;
  readonly credentials: boolean | undefined;
  readonly privateNetwork: boolean | undefined;
  readonly forwardOthers: boolean | undefined;
  readonly enabled: Chance;
  readonly shadowEnabled: Chance;
}

/** Reads an `envoy.extensions.filters.http.cors.v3.CorsPolicy`, or the like of a route or virtual host. */
export function readCorsPolicy(fields: Fields, runtime: Runtime): CorsPolicy {
  return {
    origins: fields.list('allow_origin_string_match', readStringMatcher),
    methods: fields.text('allow_methods'),
    headers: fields.text('allow_headers'),
    exposed: fields.text('expose_headers'),
    maxAge: fields.text('max_age'),
    credentials: fields.boolean('allow_credentials'),
    privateNetwork: fields.boolean('allow_private_network_access'),
    forwardOthers: fields.boolean('forward_not_matching_preflights'),
    enabled: fields.message('filter_enabled', (inner) => readRuntimeFraction(inner, runtime)) ?? (() => true),
    shadowEnabled: fields.message('shadow_enabled', (inner) => readRuntimeFraction(inner, runtime)) ?? (() => false),
  };
}

/** All levels in one, the most specific first; the first decides whether it holds. */
export function mergePolicies(levels: readonly CorsPolicy[]): CorsPolicy | undefined {
  const [first] = levels;
  if (!first) return undefined;
  const text = (key: 'methods' | 'headers' | 'exposed' | 'maxAge'): string =>
    levels.find((level) => level[key] !== '')?.[key] ?? '';
  const flag = (key: 'credentials' | 'privateNetwork' | 'forwardOthers'): boolean | undefined =>
    levels.find((level) => level[key] !== undefined)?.[key];
  return {
    origins: levels.find(({ origins }) => origins.length > 0)?.origins ?? [],
    methods: text('methods'),
    headers: text('headers'),
    exposed: text('exposed'),
    maxAge: text('maxAge'),
    credentials: flag('credentials'),
    privateNetwork: flag('privateNetwork'),
    forwardOthers: flag('forwardOthers'),
    enabled: first.enabled,
    shadowEnabled: first.shadowEnabled,
  };
}
