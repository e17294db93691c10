import { FLAG } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { directReply } from '../../route/finalize.ts';
import type { Route } from '../../route/route.ts';
import type { RouterDownstream } from './downstream.ts';
import { invalidHeader, noCluster } from './replies.ts';
import { RouterRun } from './run.ts';
import { strictFault } from './strict-headers.ts';

/** The router filter for one request: answers what needs no upstream, else gives the run that is to begin. */
export function routeRequest(stream: RouterDownstream): RouterRun | undefined {
  const { route } = stream;
  const { stats } = stream.manager;
  stats.routed++;
  if (!route) {
    stats.noRoute++;
    stream.reply({ status: 404, body: '', details: 'route_not_found', flags: FLAG.NO_ROUTE });
    return undefined;
  }
  const { action } = route;
  if (action.kind === 'forward') return forward(stream, route, action);
  stats.directResponse++;
  const direct = directReply(route, stream.head, stream, !stream.manager.router.suppressHeaders);
  if (direct) stream.reply(direct);
  return undefined;
}

function forward(stream: RouterDownstream, route: Route, action: ForwardAction): RouterRun | undefined {
  const { manager } = stream;
  const cluster = manager.clusters.get(stream.routeCluster);
  if (!cluster || cluster.config.http2) {
    manager.stats.noCluster++;
    stream.reply(noCluster(action.notFoundStatus));
    return undefined;
  }
  stream.clusterName = stream.routeCluster;
  stream.observedCluster = cluster.config.observabilityName;
  const { strictHeaders } = manager.router;
  const fault = strictHeaders.length > 0 ? strictFault(strictHeaders, stream.head.headers) : undefined;
  if (fault) {
    stream.reply(invalidHeader(fault.name, fault.value));
    return undefined;
  }
  return new RouterRun(stream, route, action, cluster);
}
