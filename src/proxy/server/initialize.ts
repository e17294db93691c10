import type { Discovery } from '../discovery/discovery.ts';
import type { Workers } from '../worker/group.ts';
import type { ServerState } from './state.ts';

/**
 * Brings a proxy with a control plane to life in Envoy's order: clusters with their endpoints, then listeners with what they
 * need, then the listeners serve. Each step ends with the first answers, or when they are not waited for any longer.
 */
export async function initialize(workers: Workers, discovery: Discovery, state: ServerState): Promise<void> {
  await discovery.clusters();
  await workers.first.clusters.allWarm();
  state.enter('INITIALIZING');
  await workers.command({ kind: 'beginListeners' });
  await discovery.listeners();
  await workers.first.listeners.initialized();
  await workers.command({ kind: 'startListeners' });
  state.enter('LIVE');
}
