import { createRequire } from 'node:module';
import type { Counter, Registry } from 'prom-client';
import type { Flow } from '../../model/flow/index.ts';
import type { MetricConfig } from './config.ts';
import { createMetric, type MetricSeries, type Observation } from './counting.ts';

/** Hubble's metrics of one node. */
export interface FlowMetrics {
  observe(flow: Flow): void;
  /** Events that did not become flows, by where they were lost: `observer_events_queue`, `hubble_ring_buffer` or `perf_event_ring_buffer`. */
  lost(source: string, count: number): void;
  /** Takes the series away that name this pod. */
  podGone(namespace: string, name: string): void;
  /** Everything in Prometheus' text format, or in OpenMetrics where that was asked for. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** So many series of one name are kept; what would be more is counted as dropped, so that pods cannot fill the memory by what they send. */
const seriesMax = 10_000;
const prefix = 'hubble_';

/** Loaded by those who count, and not by everybody who reads flows. */
const library = (): typeof import('prom-client') => createRequire(import.meta.url)('prom-client');

export interface FlowMetricsOptions {
  readonly configs: readonly MetricConfig[];
  /** `enable-hubble-open-metrics`: exemplars need it. */
  readonly openMetrics: boolean;
}

export function createFlowMetrics({ configs, openMetrics }: FlowMetricsOptions): FlowMetrics {
  const { Counter, Registry } = library();
  const registry: Registry = new Registry();
  if (openMetrics) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as typeof registry.contentType);
  const lost = new Counter({
    name: `${prefix}lost_events_total`,
    help: 'Number of lost events',
    labelNames: ['source'],
    registers: [registry],
  });
  const dropped = new Counter({
    name: `${prefix}series_dropped_total`,
    help: 'Number of observations that would have made more series of a metric than are kept',
    labelNames: ['metric'],
    registers: [registry],
  });
  // Rates of what begins at its first loss would not show that one.
  lost.inc({ source: 'observer_events_queue' }, 0);
  const metrics = configs.map((config) => ({ config, ...createMetric(config) }));
  const vectors = new Map<string, Vector>();
  for (const { config, series } of metrics) {
    for (const one of series) {
      vectors.set(one.name, createVector(one, config, registry, openMetrics));
      dropped.inc({ metric: prefix + one.name }, 0);
    }
  }
  return {
    observe(flow) {
      for (const { observe } of metrics) {
        for (const observation of observe(flow)) {
          if (!vectors.get(observation.name)?.add(observation)) dropped.inc({ metric: prefix + observation.name });
        }
      }
    },
    lost: (source, count) => lost.inc({ source }, count),
    podGone(namespace, name) {
      for (const vector of vectors.values()) vector.podGone(namespace, name);
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

interface Vector {
  /** False when it would be one series too many. */
  add(observation: Observation): boolean;
  podGone(namespace: string, name: string): void;
}

type Labels = Readonly<Record<string, string>>;

function createVector(
  series: MetricSeries,
  { context }: MetricConfig,
  registry: Registry,
  enableExemplars: boolean,
): Vector {
  const known = new Map<string, Sum>();
  const options = {
    name: prefix + series.name,
    help: series.help,
    labelNames: [...series.labels],
    registers: [registry],
  };
  const observe =
    series.type === 'histogram' ? histogram(options, enableExemplars) : counter(options, known, enableExemplars);
  return {
    add(observation) {
      const { labels } = observation;
      let key = '';
      for (const label of series.labels) key += `${labels[label]}\u0000`;
      let sum = known.get(key);
      if (!sum) {
        if (known.size >= seriesMax) return false;
        sum = { labels, count: 0 };
        known.set(key, sum);
      }
      observe.add(sum, observation);
      return true;
    },
    podGone(namespace, pod) {
      for (const [key, { labels }] of known) {
        if (!namesPod(labels, namespace, pod, context)) continue;
        known.delete(key);
        observe.remove(labels);
      }
    },
  };
}

interface Sum {
  readonly labels: Labels;
  count: number;
}

interface Kind {
  add(sum: Sum, observation: Observation): void;
  remove(labels: Labels): void;
}

type Options = Pick<ConstructorParameters<typeof Counter>[0], 'name' | 'help' | 'labelNames' | 'registers'>;

/** Counts in numbers that the library gets when it is asked, which costs a fraction of counting there; exemplars need the latter. */
function counter(options: Options, sums: ReadonlyMap<string, Sum>, enableExemplars: boolean): Kind {
  const { Counter } = library();
  if (enableExemplars) {
    const metric = new Counter({ ...options, enableExemplars });
    return {
      add: ({ labels }, { traceId }) =>
        metric.inc({ labels, value: 1, ...(traceId !== undefined && { exemplarLabels: { traceID: traceId } }) }),
      remove: (labels) => metric.remove(labels),
    };
  }
  new Counter({
    ...options,
    collect() {
      this.reset();
      for (const { labels, count } of sums.values()) this.inc(labels, count);
    },
  });
  return {
    add: (sum) => {
      sum.count++;
    },
    remove: () => {},
  };
}

function histogram(options: Options, enableExemplars: boolean): Kind {
  const { Histogram } = library();
  const metric = new Histogram({ ...options, enableExemplars });
  return {
    add({ labels }, { seconds = 0, traceId }) {
      if (!enableExemplars) metric.observe(labels, seconds);
      else {
        const exemplar = traceId !== undefined && { exemplarLabels: { traceID: traceId } };
        metric.observe({ labels, value: seconds, ...exemplar });
      }
    },
    remove: (labels) => metric.remove(labels),
  };
}

/** Whether a series is bound to a pod as Hubble sees it: by a context that is the pod, or by labels of its namespace and name. */
function namesPod(values: Labels, namespace: string, pod: string, context: MetricConfig['context']): boolean {
  return (['source', 'destination'] as const).some((end) => {
    const { any, ingress, egress } = context[end];
    const byPod = [any, ingress, egress].some((list) => list.includes('pod'));
    if (byPod && values[end] === `${namespace}/${pod}`) return true;
    return values[`${end}_namespace`] === namespace && values[`${end}_pod`] === pod;
  });
}
