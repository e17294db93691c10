import assert from 'node:assert/strict';

const label = /([a-zA-Z_]\w*)="(?:[^"\\\n]|\\["\\n])*"/g;

/** The samples of an exposition in Prometheus' text format, whose families are all described and whose series come once. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const described = new Set(
    [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/gm)].map(([, name]) => name),
  );
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, series = '', name = '', value = ''] =
      /^(([a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line) ?? [];
    assert.ok(series !== '', line);
    assert.ok(
      described.has(name) || described.has(name.replace(/_(?:bucket|sum|count)$/, '')),
      `${name} is not described`,
    );
    assert.ok(!samples.has(series), `${series} comes twice`);
    assert.match(value, /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/i, line);
    samples.set(series, Number(value));
  }
  return samples;
}

/** The labels that the samples of each name have, with `instance`, which Prometheus adds. */
export function labelsServed(scrapes: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, Set<string>> {
  const served = new Map<string, Set<string>>();
  for (const series of scrapes.flatMap((samples) => [...samples.keys()])) {
    const name = series.split('{', 1)[0] ?? '';
    const labels = served.get(name) ?? new Set(['instance']);
    for (const [, found = ''] of series.slice(name.length).matchAll(label)) labels.add(found);
    served.set(name, labels);
  }
  return served;
}

/** The labels that a Grafana dashboard asks for of each metric, in selectors, in `by (…)` and in `label_values(…)`. */
export function labelsAsked(dashboard: unknown): ReadonlyMap<string, Set<string>> {
  const asked = new Map<string, Set<string>>();
  for (const query of queriesOf(dashboard)) {
    const names = [...query.matchAll(/\b(?:hubble|cilium|envoy)_\w+/g)].map(([name]) => name);
    const grouped = [...query.matchAll(/\bby \(([^)]*)\)|label_values\(.*, *(\w+)\)/g)].flatMap(
      ([, list, one]) => (list ?? one ?? '').match(/\w+/g) ?? [],
    );
    const selected = [...query.matchAll(/(\w+) *(?:=~|!~|!=|=) *"/g)].map(([, name = '']) => name);
    for (const name of names) {
      const labels = asked.get(name) ?? new Set();
      for (const one of [...grouped, ...selected]) labels.add(one);
      asked.set(name, labels);
    }
  }
  return asked;
}

function queriesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return /\b(?:hubble|cilium|envoy)_\w+/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(queriesOf) : [];
}
