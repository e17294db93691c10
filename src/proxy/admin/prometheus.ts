import { countBelow, countOf, quantile, sumOf } from '../stats/histogram.ts';
import type { Sample } from '../stats/kind.ts';
import type { StatsSettings } from '../stats/settings.ts';
import { BOUNDS, type Mode, QUANTILES, shortNumber } from './stats-histogram.ts';

interface Shape {
  readonly mode: Mode;
  readonly settings: StatsSettings;
}

interface Line {
  readonly sample: Sample;
  readonly labels: string;
}

/** The exposition format as Envoy writes it: counters, gauges, texts as gauges of 0 where asked for, then histograms. */
export function prometheusText(
  samples: readonly Sample[],
  { texts, ...shape }: Shape & { readonly texts: boolean },
): string {
  const sorted = [...samples].sort((left, right) => (left.name < right.name ? -1 : 1));
  const kinds: readonly Sample['type'][] = texts
    ? ['counter', 'gauge', 'text', 'histogram']
    : ['counter', 'gauge', 'histogram'];
  return kinds
    .map((kind) =>
      kindText(
        kind,
        sorted.filter(({ type }) => type === kind),
        shape,
      ),
    )
    .join('');
}

function kindText(kind: Sample['type'], samples: readonly Sample[], shape: Shape): string {
  const { mode, settings } = shape;
  const groups = new Map<string, Line[]>();
  for (const sample of samples) {
    const { name, tags } = settings.extract(sample.name);
    const shown = sample.type === 'text' ? [...tags, ['text_value', sample.value] as const] : tags;
    const labels = shown.map(([tag, value]) => `${clean(tag)}="${escaped(value)}"`).join(',');
    const group = groups.get(name);
    if (group) group.push({ sample, labels });
    else groups.set(name, [{ sample, labels }]);
  }
  const type = kind === 'text' ? 'gauge' : kind === 'histogram' && mode === 'summary' ? 'summary' : kind;
  return [...groups]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, lines]) => {
      const metric = `envoy_${clean(name)}`;
      return `# TYPE ${metric} ${type}\n${lines.map((line) => lineText(metric, line, shape)).join('')}`;
    })
    .join('');
}

function lineText(metric: string, { sample, labels }: Line, { mode, settings }: Shape): string {
  if (sample.type === 'text') return `${metric}{${labels}} 0\n`;
  if (sample.type !== 'histogram') return `${metric}{${labels}} ${sample.value}\n`;
  const { total } = sample.value;
  const before = labels === '' ? '' : `${labels},`;
  const count = countOf(total);
  const body =
    mode === 'summary'
      ? QUANTILES.map((share) => {
          const value = quantile(total, share / 100);
          return `${metric}{${before}quantile="${share / 100}"} ${Number.isNaN(value) ? 'nan' : value}\n`;
        })
      : [
          ...(settings.boundsOf(sample.name) ?? BOUNDS).map(
            (bound) => `${metric}_bucket{${before}le="${boundText(bound)}"} ${countBelow(total, bound)}\n`,
          ),
          `${metric}_bucket{${before}le="+Inf"} ${count}\n`,
        ];
  return `${body.join('')}${metric}_sum{${labels}} ${exactDecimal(sumOf(total))}\n${metric}_count{${labels}} ${count}\n`;
}

const boundText = (bound: number): string => (Number.isInteger(bound) ? String(bound) : shortNumber(bound));
const clean = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

/** A double with up to 32 significant digits of its exact value, as `%.32g` prints it. */
function exactDecimal(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  // Every double is a whole number over a power of two: 1074 binary places are enough for the smallest.
  let numerator = value;
  let places = 0;
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    places++;
  }
  const digits = (BigInt(numerator) * 5n ** BigInt(places)).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places);
  return roundDigits(whole, fraction, 32)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

function roundDigits(whole: string, fraction: string, significant: number): string {
  const keep = Math.max(0, significant - whole.replace(/^0+/, '').length);
  if (fraction.length <= keep) return fraction === '' ? whole : `${whole}.${fraction}`;
  const scaled = BigInt(whole + fraction.slice(0, keep)) + (Number(fraction[keep]) >= 5 ? 1n : 0n);
  const text = scaled.toString().padStart(whole.length + keep, '0');
  return keep === 0 ? text : `${text.slice(0, text.length - keep)}.${text.slice(text.length - keep)}`;
}
