import type { Fields } from '../config/fields.ts';
import { isGrpcType } from '../http/grpc-status.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { readCookieMatcher } from '../match/cookies.ts';
import { checkFilterState } from '../match/filter-state.ts';
import { readHeaderMatcher } from '../match/headers.ts';
import { readMetadataMatcher } from '../match/metadata.ts';
import { readQueryMatcher } from '../match/query.ts';
import { readRuntimeFraction } from '../runtime/read.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ANY_PATH, type PathMatch, readPathMatch } from './path-match.ts';

/** What a route asks of a request besides its path. `random`: stable for the request, 0 to 2^32-1. */
export type RouteCondition = (info: StreamInfo, random: number) => boolean;

/** A compiled `envoy.config.route.v3.RouteMatch`: the path and all conditions must match. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly conditions: readonly RouteCondition[];
}

/** What matches every request. */
export const ANY_MATCH: RouteMatch = { path: ANY_PATH, conditions: [] };

/** Reads an `envoy.config.route.v3.RouteMatch`. Conditions stand in the order in which Envoy asks them. */
export function readRouteMatch(fields: Fields, runtime: Runtime): RouteMatch {
  const conditions: RouteCondition[] = [];
  const chance = fields.message('runtime_fraction', (inner) => readRuntimeFraction(inner, runtime));
  if (chance) conditions.push((_, random) => chance(random));
  if (fields.message('grpc', () => true)) conditions.push(isGrpc);
  for (const test of fields.list('headers', readHeaderMatcher)) {
    conditions.push((info) => test(info.requestLookup));
  }
  for (const test of fields.list('query_parameters', (inner) => readQueryMatcher(inner))) {
    conditions.push((info) => test(info.request?.path ?? ''));
  }
  for (const test of fields.list('cookies', readCookieMatcher)) {
    conditions.push((info) => test(info.request?.headers));
  }
  const tls = fields.message('tls_context', readTlsMatch);
  if (tls) conditions.push(tls);
  for (const test of fields.list('dynamic_metadata', readMetadataMatcher)) conditions.push((info) => test(info));
  for (const test of fields.list('filter_state', readFilterState)) conditions.push(test);
  return { path: readPathMatch(fields), conditions };
}

function isGrpc(info: StreamInfo): boolean {
  return isGrpcType(info.request?.headers.get('content-type'));
}

/** Whether the client showed a certificate and whether it was verified; without TLS Envoy does not ask. */
function readTlsMatch(fields: Fields): RouteCondition {
  const presented = fields.boolean('presented');
  const validated = fields.boolean('validated');
  return ({ peers: { tls } }) => {
    if (presented !== undefined && presented !== (tls?.peer !== undefined)) return false;
    return validated === undefined || validated === (tls?.validated ?? false);
  };
}

function readFilterState(fields: Fields): RouteCondition {
  checkFilterState(fields);
  return () => false;
}
