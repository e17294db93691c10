import { compileRe2, fail, ok, type Result } from '../base/index.ts';

/** Whether a label with this source and key belongs to an identity. */
export type LabelFilter = (source: string, key: string) => boolean;

interface Prefix {
  /** Absent: any. */
  readonly source?: string;
  readonly ignore: boolean;
  /** How many characters from the key's start the expression matches, -1 where it does not. */
  readonly matchLength: (key: string) => number;
}

/** The default list of `pkg/labelsfilter`; `!` ignores. */
const defaultExpressions: readonly string[] = [
  'reserved:.*',
  String.raw`io\.kubernetes\.pod\.namespace`,
  String.raw`io\.cilium\.k8s\.namespace\.labels`,
  String.raw`app\.kubernetes\.io`,
  String.raw`io\.cilium\.k8s\.policy\.cluster`,
  String.raw`io\.cilium\.k8s\.policy\.serviceaccount`,
  String.raw`!io\.kubernetes`,
  String.raw`!kubernetes\.io`,
  String.raw`!statefulset\.kubernetes\.io/pod-name`,
  String.raw`!apps\.kubernetes\.io/pod-index`,
  String.raw`!batch\.kubernetes\.io/job-completion-index`,
  String.raw`!batch\.kubernetes\.io/controller-uid`,
  String.raw`!.*beta\.kubernetes\.io`,
  String.raw`!k8s\.io`,
  '!pod-template-generation',
  '!pod-template-hash',
  '!controller-revision-hash',
  '!controller-uid',
  '!annotation.*',
  '!etcd_node',
  String.raw`!topology\.kubernetes\.io`,
];

const knownMax = 16;

/** Settings of filters, and the lists that they join. */
const known = {
  labels: new Map<string, Result<LabelFilter, string>>(),
  nodeLabels: new Map<string, Result<LabelFilter, string>>(),
};

/**
 * The filter of Cilium's setting `labels`: expressions (RE2) apart by spaces that join the default list, each `KEY` or `SOURCE:KEY`,
 * with `!` before KEY one that ignores. They match at the start of a key. One that includes makes the list exclusive: then only
 * what is included counts. A label that is both included and ignored counts when the longest inclusion is longer than the
 * shortest ignore. Fails with what is wrong with the text.
 */
export function compileLabelFilter(text: string): Result<LabelFilter, string> {
  return remembered(known.labels, text, defaults);
}

/** The filter of Cilium's setting `node-labels`: the same with an empty default list, so that without expressions every label counts. */
export function compileNodeLabelFilter(text: string): Result<LabelFilter, string> {
  return remembered(known.nodeLabels, text, []);
}

function remembered(
  filters: Map<string, Result<LabelFilter, string>>,
  text: string,
  base: readonly Prefix[],
): Result<LabelFilter, string> {
  let filter = filters.get(text);
  if (!filter) {
    filter = compile(text, base);
    if (filters.size >= knownMax) filters.clear();
    filters.set(text, filter);
  }
  return filter;
}

function compile(text: string, base: readonly Prefix[]): Result<LabelFilter, string> {
  const own: Prefix[] = [];
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    const prefix = parsePrefix(word, re2Length);
    if (!prefix.ok) return prefix;
    own.push(prefix.value);
  }
  const exclusive = own.some(({ ignore }) => !ignore);
  return ok(remembering(filterOf([...base, ...own], exclusive)));
}

function filterOf(prefixes: readonly Prefix[], exclusive: boolean): LabelFilter {
  return (source, key) => {
    let [included, ignored] = [0, 0];
    for (const prefix of prefixes) {
      if (prefix.source !== undefined && prefix.source !== source) continue;
      const length = prefix.matchLength(key);
      if (length < 0) continue;
      if (!prefix.ignore) included = Math.max(included, length);
      else if (ignored === 0 || length < ignored) ignored = length;
    }
    return (!exclusive && ignored === 0) || included > ignored;
  };
}

const rememberedMax = 10_000;

/** Pods share most of their label keys, so each is judged once. */
function remembering(filter: LabelFilter): LabelFilter {
  const judged = new Map<string, boolean>();
  return (source, key) => {
    const label = `${source}:${key}`;
    let counts = judged.get(label);
    if (counts === undefined) {
      counts = filter(source, key);
      if (judged.size >= rememberedMax) judged.clear();
      judged.set(label, counts);
    }
    return counts;
  };
}

type CompileLength = (expression: string) => Result<Prefix['matchLength'], string>;

function parsePrefix(word: string, compileLength: CompileLength): Result<Prefix, string> {
  const colon = word.indexOf(':');
  const source = colon < 0 ? '' : word.slice(0, colon);
  const key = word.slice(colon + 1);
  if (key === '') return fail(`"${word}" has no key`);
  const ignore = key.startsWith('!');
  const matchLength = compileLength(ignore ? key.slice(1) : key);
  if (!matchLength.ok) return fail(`"${word}": ${matchLength.error}`);
  return ok({ ...(source !== '' && { source }), ignore, matchLength: matchLength.value });
}

function re2Length(expression: string): ReturnType<CompileLength> {
  const compiled = compileRe2(expression);
  if (!compiled.ok) return compiled;
  return ok((key) => {
    const matcher = compiled.value.matcher(key);
    return matcher.lookingAt() ? matcher.end() : -1;
  });
}

/** Our own expressions mean the same to the engine's, which is faster. */
function plainLength(expression: string): ReturnType<CompileLength> {
  const compiled = new RegExp(`^(?:${expression})`);
  return ok((key) => compiled.exec(key)?.[0].length ?? -1);
}

const defaults = defaultExpressions.flatMap((expression) => {
  const prefix = parsePrefix(expression, plainLength);
  return prefix.ok ? [prefix.value] : [];
});
