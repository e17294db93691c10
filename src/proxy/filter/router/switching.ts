import type { ForwardAction } from '../../route/action.ts';
import { terminates } from '../../route/upgrades.ts';
import type { RouterDownstream } from './downstream.ts';

/**
 * How a request leaves HTTP: `websocket` and `upgrade` with a 101 of the upstream's, `connect` with a 2xx, `raw` at once, since what it
 * carries goes to the upstream without HTTP around it.
 */
export type Switching = 'none' | 'websocket' | 'upgrade' | 'connect' | 'raw';

export function switchingOf({ upgrade, head }: RouterDownstream, { connect }: ForwardAction): Switching {
  if (connect !== undefined && terminates(connect, head.method)) return 'raw';
  if (upgrade === undefined) return 'none';
  if (head.method === 'CONNECT') return 'connect';
  return upgrade === 'websocket' ? 'websocket' : 'upgrade';
}
