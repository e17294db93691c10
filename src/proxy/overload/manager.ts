import type { Logger } from '../../base/index.ts';
import type { StatsStore } from '../stats/store.ts';
import type { ActionConfig } from './config.ts';
import { createJudge, type OverloadStates } from './judge.ts';
import { type Measure, measureOf } from './monitor.ts';
import { CONNECTIONS } from './names.ts';
import type { MonitorConfig } from './read-monitors.ts';
import { startShrinking } from './shrink.ts';
import { ACTION_STATS, PROACTIVE_RESOURCE_STATS, REFRESH_STATS, RESOURCE_STATS } from './stats.ts';
import type { OverloadSetup } from './worker.ts';

export interface OverloadManagerHost {
  readonly stats: StatsStore;
  readonly log: Logger;
  /** Tells every worker. */
  readonly tell: (states: OverloadStates) => Promise<void>;
}

/** Looks after the resources of the process, again and again, and tells the workers what follows. Gives what ends that. */
export function startOverloadManager({ config, memory }: OverloadSetup, host: OverloadManagerHost): () => void {
  const judge = createJudge(config);
  const scope = host.stats.scope();
  const actions = config.actions.map((action) => ({
    action,
    stats: scope.get(ACTION_STATS, `overload.${action.name}.`),
  }));
  const refresh = scope.get(REFRESH_STATS, 'overload.');
  if (config.mostConnections !== undefined) scope.get(PROACTIVE_RESOURCE_STATS, `overload.${CONNECTIONS}.`);
  const shrink = startShrinking(config.actions, scope);
  const onPressure = (resource: string, pressure: number): void => {
    if (!judge.update(resource, pressure)) return;
    for (const { action, stats } of actions) {
      const state = judge.stateOf(action);
      logChange(host.log, action, stats.active, state);
      stats.active = state === 1 ? 1 : 0;
      stats.scale = Math.floor(state * 100);
      if (action.kind === 'shrink_heap') shrink.act(state === 1);
    }
    void host.tell(judge.states());
  };
  const resources = config.monitors.map((monitor) =>
    watch(monitor, measureOf(monitor.source, memory), host, onPressure),
  );
  if (resources.length === 0) return shrink.stop;
  let last = performance.now();
  const timer = setInterval(() => {
    const time = performance.now();
    refresh.delay.record(Math.max(0, time - last));
    last = time;
    for (const update of resources) update();
  }, config.refreshMs).unref();
  return () => {
    clearInterval(timer);
    shrink.stop();
  };
}

function logChange(log: Logger, { name }: ActionConfig, active: number, state: number): void {
  if ((state === 1) !== (active === 1)) log.info({ action: name, active: state === 1 }, 'an overload action changed');
}

/** Measures one resource at a time; while it has not answered it is not asked again. */
function watch(
  { name }: MonitorConfig,
  measure: Measure,
  { stats, log }: OverloadManagerHost,
  onPressure: (resource: string, pressure: number) => void,
): () => void {
  const counts = stats.scope().get(RESOURCE_STATS, `overload.${name}.`);
  let pending = false;
  let failing = false;
  const update = async (): Promise<void> => {
    const measured = await measure();
    pending = false;
    if (!measured.ok) {
      counts.failedUpdates++;
      if (!failing) log.info({ resource: name, reason: measured.error }, 'a resource cannot be measured');
      failing = true;
      return;
    }
    failing = false;
    counts.pressure = Math.floor(measured.value * 100);
    onPressure(name, measured.value);
  };
  return () => {
    if (pending) {
      counts.skippedUpdates++;
      return;
    }
    pending = true;
    void update();
  };
}
