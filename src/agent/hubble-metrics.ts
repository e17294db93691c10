import type { Logger } from '../base/index.ts';
import { createFlowMetrics, type FlowMetrics, readMetrics } from '../hubble/index.ts';
import type { Flow } from '../model/flow/index.ts';
import type { ConfigMap } from '../plan/index.ts';

/** `hubble-metrics` and `enable-hubble-open-metrics` of `cilium-config`. */
export interface HubbleMetricsSettings {
  readonly metrics: string;
  readonly openMetrics: boolean;
}

export function hubbleMetricsSettings(map: ConfigMap | undefined): HubbleMetricsSettings {
  const { data = {} } = map ?? {};
  return { metrics: data['hubble-metrics'] ?? '', openMetrics: data['enable-hubble-open-metrics'] === 'true' };
}

/** Hubble's metrics of the node, by the settings as they are. */
export interface HubbleMetrics {
  observe(flow: Flow): void;
  lost(count: number): void;
  /** Takes up other settings: counting begins anew then. One that is not understood is logged and leaves what was. */
  configure(settings: HubbleMetricsSettings): void;
  /** A pod is deleted; its series go a minute later, so that the last of them are still read. */
  podGone(namespace: string, name: string): void;
  text: FlowMetrics['text'];
  stop(): void;
}

const podSeriesMs = 60_000;
/** So many pods that are gone are waited for; series of more go at once. */
const goneMax = 5_000;

export function createHubbleMetrics(log: Logger): HubbleMetrics {
  let current = createFlowMetrics({ configs: [], openMetrics: false });
  let known: HubbleMetricsSettings = { metrics: '', openMetrics: false };
  const leaving = new Set<NodeJS.Timeout>();
  return {
    observe: (flow) => current.observe(flow),
    lost: (count) => current.lost('observer_events_queue', count),
    configure(settings) {
      if (settings.metrics === known.metrics && settings.openMetrics === known.openMetrics) return;
      known = settings;
      const read = readMetrics(settings.metrics);
      if (read.ok) current = createFlowMetrics({ configs: read.value, openMetrics: settings.openMetrics });
      else log.error({ key: 'hubble-metrics', value: settings.metrics, error: read.error }, 'not understood');
    },
    podGone(namespace, name) {
      if (leaving.size >= goneMax) return current.podGone(namespace, name);
      const timer = setTimeout(() => {
        leaving.delete(timer);
        current.podGone(namespace, name);
      }, podSeriesMs);
      timer.unref();
      leaving.add(timer);
    },
    text: () => current.text(),
    stop: () => {
      for (const timer of leaving) clearTimeout(timer);
    },
  };
}
