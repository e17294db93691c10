import type { LocalReply } from '../filter/filter.ts';
import type { HttpManager } from './manager.ts';

const TOLD = [['x-envoy-local-overloaded', 'true']] as const;

/** The answer to a request that overload does not let in; undefined: it is served. */
export function refuseForOverload(manager: HttpManager): LocalReply | undefined {
  if (!manager.overload?.refusesRequest()) return undefined;
  manager.stats.rqOverloadClose++;
  const reply = { status: 503, body: 'envoy overloaded', details: 'overload' };
  return manager.appendLocalOverload ? { ...reply, headers: TOLD } : reply;
}

/** Whether overload has a client told to come with another connection. */
export function endsForOverload({ overload, stats }: HttpManager): boolean {
  if (!overload?.endsConnection()) return false;
  stats.cxOverloadDisableKeepalive++;
  return true;
}
