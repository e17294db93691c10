import type { LocalReply } from '../filter/filter.ts';
import type { Route } from '../route/route.ts';
import type { HttpManager } from './manager.ts';

/** `none`: a request as any other, since no route says what to do with it. */
export type UpgradeVerdict = 'allowed' | 'refused' | 'none';

/** An upgrade needs a route that allows it, whatever that does with it; its word counts before the connection manager's. */
export function judgeUpgrade(manager: HttpManager, route: Route | undefined, type: string): UpgradeVerdict {
  const own = route?.action.kind === 'forward' ? route.action.upgrades.get(type) : undefined;
  const { stats } = manager;
  if (own ?? manager.upgrades.get(type) ?? false) {
    stats.cxUpgradesTotal++;
    stats.cxUpgradesActive++;
    return 'allowed';
  }
  if (!route) return 'none';
  stats.rqUpgradeRefused++;
  return 'refused';
}

/** The connection ends with it: what the client sends next may be meant for the protocol it did not get. */
export const UPGRADE_REFUSED: LocalReply = { status: 403, body: '', details: 'upgrade_failed', close: true };
