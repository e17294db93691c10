import { FLAG } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { redirectLocation } from '../../route/redirect.ts';
import type { Route } from '../../route/table.ts';
import { chooseCluster } from './choose.ts';
import type { RouterDownstream } from './downstream.ts';
import { invalidHeader, noCluster } from './replies.ts';
import { RouterRun } from './run.ts';
import { strictFault } from './strict-headers.ts';

/** The router filter for one request: answers what needs no upstream, else gives the run that is to begin. */
export function routeRequest(stream: RouterDownstream): RouterRun | undefined {
  const { route } = stream;
  if (!route) {
    stream.reply({ status: 404, body: '', details: 'route_not_found', flags: FLAG.NO_ROUTE });
    return undefined;
  }
  const { action } = route;
  switch (action.kind) {
    case 'direct':
      stream.reply({ status: action.status, body: action.body, details: 'direct_response' });
      return undefined;
    case 'redirect': {
      const location = redirectLocation(action, route.match.path, stream.head);
      stream.reply({ status: action.status, body: '', details: 'direct_response', headers: [['location', location]] });
      return undefined;
    }
    case 'forward':
      return forward(stream, route, action);
  }
}

function forward(stream: RouterDownstream, route: Route, action: ForwardAction): RouterRun | undefined {
  const { manager } = stream;
  stream.clusterName = chooseCluster(action, stream);
  const cluster = manager.clusters.get(stream.clusterName);
  if (!cluster || cluster.config.http2) {
    stream.reply(noCluster(action.notFoundStatus));
    return undefined;
  }
  if (stream.upgrade !== undefined && !upgradeAllowed(stream, action, stream.upgrade)) {
    stream.upgrade = undefined;
    stream.reply({ status: 403, body: '', details: 'upgrade_failed', close: true });
    return undefined;
  }
  const { strictHeaders } = manager.router;
  const fault = strictHeaders.length > 0 ? strictFault(strictHeaders, stream.head.headers) : undefined;
  if (fault) {
    stream.reply(invalidHeader(fault.name, fault.value));
    return undefined;
  }
  return new RouterRun(stream, route, action, cluster);
}

function upgradeAllowed({ manager }: RouterDownstream, action: ForwardAction, type: string): boolean {
  return action.upgrades.get(type) ?? manager.upgrades.get(type) ?? false;
}
