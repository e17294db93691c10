import { compileRe2 } from '../../base/index.ts';
import { isUsed, type Sample } from '../stats/kind.ts';
import type { StatsSettings } from '../stats/settings.ts';
import { type AdminSubject, compactJson, type Endpoint, type Page, text } from './page.ts';
import { prometheusText } from './prometheus.ts';
import { re2Error } from './re2-error.ts';
import { histogramJson, histogramText, MODES, type Mode } from './stats-histogram.ts';

const TYPES = ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts'] as const;
const FORMATS = ['html', 'active-html', 'json', 'prometheus', 'text'];

const COMMON: NonNullable<Endpoint['parameters']> = [
  ['usedonly', 'Only include stats that have been written by system since restart'],
  ['filter', 'Regular expression (Google re2) for filtering stats'],
  ['invert_filter', 'Invert the filter regex'],
];

export const statsEndpoints: readonly Endpoint[] = [
  {
    path: '/stats',
    help: 'print server stats',
    parameters: [
      ...COMMON,
      ['format', 'Format to use; One of (text, json, prometheus)'],
      ['type', `Stat types to include.; One of (${TYPES.join(', ')})`],
      ['histogram_buckets', 'Histogram bucket display mode; One of (cumulative, disjoint, detailed, summary)'],
    ],
    answer: (query, subject) => stats(query, subject, query.get('format') ?? 'text'),
  },
  {
    path: '/stats/prometheus',
    help: 'print server stats in prometheus format',
    parameters: [
      ...COMMON,
      ['text_readouts', 'Render text_readouts as new gaugues with value 0 (increases Prometheus data size)'],
      ['histogram_buckets', 'Histogram bucket display mode; One of (cumulative, summary)'],
    ],
    answer: (query, subject) => stats(query, subject, 'prometheus'),
  },
];

async function stats(query: URLSearchParams, { workers, config }: AdminSubject, format: string): Promise<Page> {
  const buckets = query.get('histogram_buckets') ?? (format === 'prometheus' ? 'cumulative' : 'summary');
  const mode = MODES.find((one) => one === buckets);
  if (!mode) {
    return text('usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n', 400);
  }
  if (!FORMATS.includes(format)) return text('usage: /stats?format=(html|active-html|json|prometheus|text)\n\n', 400);
  if (format.endsWith('html')) return text('ciliate-proxy has no HTML page of its stats\n', 400);
  const type = TYPES.find((one) => one === (query.get('type') ?? 'All'));
  if (!type) return text('invalid &type= param', 400);
  const chosen = filterOf(query);
  if (typeof chosen === 'string') return text(chosen, 400);
  const { stats: settings } = config;
  const samples = (await workers.stats(query.has('usedonly'))).filter(
    (sample) => isOfType(sample, type) && settings.keeps(sample.name) && chosen(sample),
  );
  if (format === 'prometheus') {
    return text(prometheusText(samples, { mode, settings, texts: query.has('text_readouts') }));
  }
  return format === 'json' ? jsonPage(samples, mode, settings) : text(textOf(samples, mode, settings));
}

function filterOf(query: URLSearchParams): ((sample: Sample) => boolean) | string {
  const usedOnly = query.has('usedonly');
  const inverted = query.has('invert_filter');
  const pattern = query.get('filter');
  const regex = pattern === null || pattern === '' ? undefined : compileRe2(pattern);
  if (regex && !regex.ok) return `Invalid re2 regex: ${re2Error(regex.error)}`;
  return (sample) => {
    if (usedOnly && !isUsed(sample)) return false;
    return !regex?.ok || regex.value.matcher(sample.name).find() !== inverted;
  };
}

function isOfType({ type }: Sample, wanted: (typeof TYPES)[number]): boolean {
  if (wanted === 'All') return true;
  return { counter: 'Counters', gauge: 'Gauges', text: 'TextReadouts', histogram: 'Histograms' }[type] === wanted;
}

type NumberSample = Extract<Sample, { readonly type: 'counter' | 'gauge' }>;
type TextSample = Extract<Sample, { readonly type: 'text' }>;
type HistogramSample = Extract<Sample, { readonly type: 'histogram' }>;

/** Texts first, then counters and gauges, then histograms, each by name. */
function grouped(samples: readonly Sample[]): {
  readonly values: readonly (NumberSample | TextSample)[];
  readonly histograms: readonly HistogramSample[];
} {
  const sorted = [...samples].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  const texts = sorted.filter((sample): sample is TextSample => sample.type === 'text');
  const numbers = sorted.filter(
    (sample): sample is NumberSample => sample.type === 'counter' || sample.type === 'gauge',
  );
  return {
    values: [...texts, ...numbers],
    histograms: sorted.filter((sample): sample is HistogramSample => sample.type === 'histogram'),
  };
}

function textOf(samples: readonly Sample[], mode: Mode, { boundsOf }: StatsSettings): string {
  const { values, histograms } = grouped(samples);
  const lines = values.map(
    ({ name, value }) => `${name}: ${typeof value === 'string' ? JSON.stringify(value) : value}\n`,
  );
  return lines.join('') + histograms.map((sample) => histogramText(sample, mode, boundsOf(sample.name))).join('');
}

function jsonPage(samples: readonly Sample[], mode: Mode, { boundsOf }: StatsSettings): Page {
  const { values, histograms } = grouped(samples);
  const list: unknown[] = values.map(({ name, value }) => ({ name, value }));
  if (histograms.length > 0) list.push({ histograms: histogramJson(histograms, mode, boundsOf) });
  return compactJson({ stats: list });
}
