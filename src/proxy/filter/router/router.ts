import { FLAG } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { directReply } from '../../route/finalize.ts';
import type { Route } from '../../route/route.ts';
import { chargeStatus } from './charge.ts';
import type { RouterDownstream } from './downstream.ts';
import { invalidHeader, maintenance, noCluster } from './replies.ts';
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
  if (!cluster) {
    manager.stats.noCluster++;
    stream.reply(noCluster(action.notFoundStatus));
    return undefined;
  }
  stream.takeCluster(stream.routeCluster, cluster.config);
  const { strictHeaders } = manager.router;
  const fault = strictHeaders.length > 0 ? strictFault(strictHeaders, stream.head.headers) : undefined;
  if (fault) {
    stream.reply(invalidHeader(fault.name, fault.value));
    return undefined;
  }
  const run = new RouterRun(stream, route, action, cluster);
  return manager.runtime.empty || !inMaintenance(run) ? run : undefined;
}

/** `upstream.maintenance_mode.<cluster>`: percent of a cluster's requests that are refused. */
function inMaintenance(run: RouterRun): boolean {
  const { cluster, stream } = run;
  const { router, runtime } = stream.manager;
  const percent = runtime.integer(`upstream.maintenance_mode.${cluster.config.name}`, 0);
  if (Math.random() * 100 >= percent) return false;
  cluster.stats.rqMaintenance++;
  chargeStatus(run, 503, undefined);
  stream.reply(maintenance(router.suppressHeaders ? [] : [['x-envoy-overloaded', 'true']]));
  return true;
}
