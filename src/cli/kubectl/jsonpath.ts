import { Failure } from './failure.ts';

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'every' }
  | { readonly type: 'filter'; readonly path: readonly Step[]; readonly value: string };

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly steps: readonly Step[] }
  | { readonly type: 'range'; readonly steps: readonly Step[]; readonly body: readonly Part[] };

/**
 * Fills a kubectl JSONPath template: `{.items[0].metadata.name}`, `{.items[*].x}`, `{.c[?(@.type=="Ready")].status}`,
 * `{range .items[*]}…{end}`, `{"\n"}` and plain text. What is not there prints nothing.
 */
export function renderJsonPath(template: string, value: unknown): string {
  const tokens = template.match(/\{[^{}]*\}|[^{}]+/g) ?? [];
  if (tokens.join('') !== template) throw new Failure(`error: the braces of the template ${template} do not pair`);
  const queue = [...tokens];
  const parts = parseParts(queue, false);
  return render(parts, value);
}

function parseParts(tokens: string[], inRange: boolean): Part[] {
  const parts: Part[] = [];
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if (!token.startsWith('{')) {
      parts.push({ type: 'text', text: token });
      continue;
    }
    const inner = token.slice(1, -1).trim();
    if (inner === 'end' && inRange) return parts;
    parts.push(parsePart(inner, tokens));
  }
  if (inRange) throw new Failure('error: a {range} of the template lacks its {end}');
  return parts;
}

function parsePart(inner: string, tokens: string[]): Part {
  if (inner.startsWith('range '))
    return { type: 'range', steps: parseSteps(inner.slice(6).trim()), body: parseParts(tokens, true) };
  const quoted = /^(["'])(.*)\1$/s.exec(inner)?.[2];
  if (quoted === undefined) return { type: 'path', steps: parseSteps(inner) };
  return {
    type: 'text',
    text: quoted.replace(/\\([nt"'\\])/g, (_, letter) => ({ n: '\n', t: '\t' })[letter as string] ?? letter),
  };
}

function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, '');
  if (rest !== '' && !rest.startsWith('.') && !rest.startsWith('[')) rest = `.${rest}`;
  while (rest !== '' && rest !== '.') {
    const [matched, step] = nextStep(rest) ?? [];
    if (matched === undefined || step === undefined)
      throw new Failure(`error: cannot read the JSONPath "${text}" at "${rest}"`);
    steps.push(step);
    rest = rest.slice(matched.length);
  }
  return steps;
}

function nextStep(rest: string): readonly [string, Step] | undefined {
  const every = /^(?:\.\*|\[\*\])/.exec(rest);
  if (every) return [every[0], { type: 'every' }];
  const field = /^\.((?:\\.|[^.[\]\\])+)/.exec(rest) ?? /^\[(?:'([^']+)'|"([^"]+)")\]/.exec(rest);
  if (field) return [field[0], { type: 'field', name: (field[1] ?? field[2] ?? '').replace(/\\(.)/g, '$1') }];
  const index = /^\[(-?\d+)\]/.exec(rest);
  if (index) return [index[0], { type: 'index', index: Number(index[1]) }];
  const filter = /^\[\?\(\s*@(\.[\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\)\]/.exec(rest);
  if (!filter) return undefined;
  const value = filter[2] ?? filter[3] ?? filter[4] ?? '';
  return [filter[0], { type: 'filter', path: parseSteps(filter[1] ?? ''), value }];
}

function render(parts: readonly Part[], value: unknown): string {
  return parts
    .map((part) => {
      if (part.type === 'text') return part.text;
      const found = follow(part.steps, value);
      if (part.type === 'range') return found.map((item) => render(part.body, item)).join('');
      return found.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(' ');
    })
    .join('');
}

function follow(steps: readonly Step[], value: unknown): readonly unknown[] {
  return steps.reduce<readonly unknown[]>((found, step) => found.flatMap((item) => take(step, item)), [value]);
}

function take(step: Step, item: unknown): readonly unknown[] {
  if (typeof item !== 'object' || item === null) return [];
  switch (step.type) {
    case 'every':
      return Object.values(item);
    case 'field':
      return Object.hasOwn(item, step.name) ? [(item as Record<string, unknown>)[step.name]] : [];
    case 'index': {
      const found: unknown = Array.isArray(item) ? item.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'filter':
      return Object.values(item).filter((one) => follow(step.path, one).some((found) => String(found) === step.value));
  }
}
