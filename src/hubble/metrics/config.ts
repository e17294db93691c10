import { fail, ok, type Result } from '../../base/index.ts';
import { type Context, contextOptions, readContext } from './context.ts';

/** One metric of `hubble-metrics` with its options. */
export interface MetricConfig {
  readonly name: MetricName;
  /** Options of the metric's own, in lower case: `query`, `ignoreaaaa`, `any-drop`, `port`, `syn-only`, `exemplars`. */
  readonly flags: ReadonlySet<string>;
  readonly context: Context;
}

/** The metrics that can be asked for, with the options that each has beside those of contexts. */
const metrics = {
  dns: ['query', 'ignoreAAAA'],
  drop: [],
  flow: [],
  'flows-to-world': ['any-drop', 'port', 'syn-only'],
  http: [],
  httpV2: ['exemplars'],
  icmp: [],
  kafka: [],
  policy: [],
  'port-distribution': [],
  tcp: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type MetricName = keyof typeof metrics;

/**
 * Reads the setting `hubble-metrics`: metrics apart by white space, each `name[:option[=value];option…]`, where a value may hold several
 * separated by commas or bars. An unknown metric, option or value is told with what is allowed.
 */
export function readMetrics(text: string): Result<readonly MetricConfig[], string> {
  const configs: MetricConfig[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const read = readMetric(word);
    if (!read.ok) return read;
    if (configs.some(({ name }) => name === read.value.name)) return fail(`metric ${read.value.name} occurs twice`);
    configs.push(read.value);
  }
  const names = new Set(configs.map(({ name }) => name));
  // They count under the same names.
  if (names.has('http') && names.has('httpV2')) return fail('metrics http and httpV2 exclude each other');
  return ok(configs);
}

function readMetric(word: string): Result<MetricConfig, string> {
  const colon = word.indexOf(':');
  const name = colon < 0 ? word : word.slice(0, colon);
  if (!isMetric(name)) return fail(`unknown metric ${name}; allowed: ${Object.keys(metrics).join(', ')}`);
  const own: readonly string[] = metrics[name];
  const flags = new Set<string>();
  const contexts = new Map<string, string>();
  for (const option of colon < 0 ? [] : word.slice(colon + 1).split(';')) {
    const [key = '', value = ''] = splitOnce(option, '=');
    const lower = key.toLowerCase();
    if (contextOptions.some((known) => known.toLowerCase() === lower)) contexts.set(lower, value);
    else if (!own.some((known) => known.toLowerCase() === lower)) {
      return fail(`metric ${name}: unknown option ${key}; allowed: ${[...own, ...contextOptions].join(', ')}`);
    } else if (value !== 'false') flags.add(lower);
  }
  const context = readContext(contexts);
  return context.ok ? ok({ name, flags, context: context.value }) : fail(`metric ${name}: ${context.error}`);
}

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
