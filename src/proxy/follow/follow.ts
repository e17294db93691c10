import { fail, formatIssue, type Issue, ok, type Result } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { readRoutingManager } from './connection-manager.ts';
import { managerOf } from './filter-chain.ts';
import type { Followed, SentRequest } from './types.ts';
import { waysOf } from './ways.ts';

/**
 * What the data plane does with a request, as far as its routes decide: filter chain, virtual host, route, rewrites. Nothing is sent. Where
 * random numbers decide, each way that more than a few of 65,536 take is told. The runtime is taken to hold no values, and a host that is
 * rewritten to that of the chosen endpoint (`auto_host_rewrite`) stays.
 * Fails with a sentence where the listener does not take the connection for HTTP, or would be refused.
 * @param listener an `envoy.config.listener.v3.Listener` whose connections come with their original destination
 * @param routes `RouteConfiguration`s by the name under which the listener discovers them
 */
export function followRequest(
  listener: JsonObject,
  routes: ReadonlyMap<string, JsonObject>,
  request: SentRequest,
): Result<Followed, string> {
  const issues: Issue[] = [];
  const place = managerOf(listener, request, issues);
  const [issue] = issues;
  if (issue) return fail(formatIssue(issue));
  if (!place) return fail('no filter chain takes the connection for HTTP');
  const manager = readRoutingManager(place.json, place.path, routes);
  if (!manager.ok) return manager;
  return ok({ routes: manager.value.routes, filters: manager.value.filters, ways: waysOf(manager.value, request) });
}
