import type { Fields } from '../config/fields.ts';
import type { LocalReply } from '../filter/filter.ts';
import type { FilterChainConfig } from '../filter/table.ts';
import type { Route } from '../route/route.ts';
import { readUpgradeType } from '../route/upgrades.ts';
import type { HttpManager } from './manager.ts';
import type { HttpStream } from './stream.ts';

/** What a connection manager says of one type of upgrade. */
export interface ManagerUpgrade {
  readonly enabled: boolean;
  /** Undefined: those of other requests. */
  readonly filters: FilterChainConfig | undefined;
}

/** Reads `upgrade_configs` of a connection manager, by lower-case type. */
export function readManagerUpgrades(
  fields: Fields,
  readFilters: (config: Fields) => FilterChainConfig,
): ReadonlyMap<string, ManagerUpgrade> {
  const upgrades = new Map<string, ManagerUpgrade>();
  fields.list('upgrade_configs', (config) => {
    const type = readUpgradeType(config);
    const key = type.toLowerCase();
    if (upgrades.has(key)) {
      config.problem('upgrade_type', `Error: multiple upgrade configs with the same name: '${type}'`);
    }
    const filters = config.items('filters').length > 0 ? readFilters(config) : undefined;
    upgrades.set(key, { enabled: config.boolean('enabled') ?? true, filters });
  });
  return upgrades;
}

/** The upgrade that a request asks for, in lower case. CONNECT is one itself unless it names another. */
export function wantedUpgrade({ method, framing }: HttpStream['head']): string | undefined {
  return framing.upgrade?.toLowerCase() ?? (method === 'CONNECT' ? 'connect' : undefined);
}

/** `none`: a request as any other, since no route says what to do with it. */
type UpgradeVerdict = 'allowed' | 'refused' | 'none';

/** An upgrade needs a route that allows it, whatever that does with it; its word counts before the connection manager's. */
function judgeUpgrade(manager: HttpManager, route: Route | undefined, type: string): UpgradeVerdict {
  const own = route?.action.kind === 'forward' ? route.action.upgrades.get(type) : undefined;
  const { stats } = manager;
  if (own ?? manager.upgrades.get(type)?.enabled ?? false) {
    stats.cxUpgradesTotal++;
    stats.cxUpgradesActive++;
    return 'allowed';
  }
  if (!route) return 'none';
  stats.rqUpgradeRefused++;
  return 'refused';
}

/** The connection manager as an upgrade of that type sees it: it may have filters of its own. */
function managerFor(manager: HttpManager, type: string): HttpManager {
  const own = manager.upgrades.get(type)?.filters;
  return own ? { ...manager, filters: own.chain, router: own.router } : manager;
}

/** The filters of a request that was not let in: those of the upgrade that it wants where the connection manager alone would allow that. */
export function filtersFor({ manager, head }: HttpStream): HttpManager['filters'] {
  const type = wantedUpgrade(head);
  const own = type === undefined ? undefined : manager.upgrades.get(type);
  return (own?.enabled ? own.filters?.chain : undefined) ?? manager.filters;
}

/** The connection ends with it: what the client sends next may be meant for the protocol it did not get. */
const REFUSED: LocalReply = { status: 403, body: '', details: 'upgrade_failed', close: true };

/** Whether a request was refused for the upgrade to that type, which it wants; where it is not, the stream is what the upgrade makes of it. */
export function refusesUpgrade(stream: HttpStream, type: string): boolean {
  const verdict = judgeUpgrade(stream.manager, stream.route, type);
  if (verdict === 'allowed') stream.manager = managerFor(stream.manager, type);
  else stream.upgrade = undefined;
  if (verdict === 'refused') stream.reply(REFUSED);
  return verdict === 'refused';
}

/** Whether a response with that status is followed by the bytes of another protocol. */
export function opensTunnel({ upgrade, head }: HttpStream, status: number): boolean {
  if (upgrade === undefined) return false;
  return head.method === 'CONNECT' ? status >= 200 && status < 300 : status === 101;
}

/** Whether a response says nothing of the connection, since that is no longer HTTP's. As in Envoy only 200 is that for CONNECT. */
export function hidesConnection({ head }: HttpStream, status: number): boolean {
  return head.method === 'CONNECT' ? status === 200 : status === 101;
}
