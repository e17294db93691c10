type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'every' }
  | { readonly kind: 'filter'; readonly path: readonly string[]; readonly value: string };

/** The part of Kubernetes' JSONPath that printer columns use: `.a.b`, `['a.b']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. Undefined when the text is anything else. */
export function parseJsonPath(text: string): ((value: unknown) => readonly unknown[]) | undefined {
  const steps: Step[] = [];
  let rest = text.startsWith('.') || text.startsWith('[') ? text : `.${text}`;
  while (rest !== '' && rest !== '.') {
    const match =
      /^\.((?:[^.[\]\\]|\\.)+)/.exec(rest) ??
      /^\.?\['((?:[^'\\]|\\.)+)'\]/.exec(rest) ??
      /^\.?\[(-?\d+|\*)\]/.exec(rest) ??
      /^\.?\[\?\(\s*@\.([\w.-]+)\s*==\s*["']([^"']*)["']\s*\)\]/.exec(rest);
    if (!match) return undefined;
    steps.push(readStep(match));
    rest = rest.slice(match[0].length);
  }
  return (value) =>
    steps.reduce<readonly unknown[]>((values, step) => values.flatMap((one) => follow(one, step)), [value]);
}

function readStep(match: RegExpExecArray): Step {
  const [whole, first = '', second] = match;
  if (second !== undefined) return { kind: 'filter', path: first.split('.'), value: second };
  if (whole.includes('[') && first === '*') return { kind: 'every' };
  if (whole.includes('[') && !whole.includes("'")) return { kind: 'index', index: Number(first) };
  return { kind: 'field', name: first.replace(/\\(.)/g, '$1') };
}

function follow(value: unknown, step: Step): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  switch (step.kind) {
    case 'field': {
      const found =
        !Array.isArray(value) && Object.hasOwn(value, step.name) ? Reflect.get(value, step.name) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'index': {
      const found = Array.isArray(value) ? value.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'every':
      return Array.isArray(value) ? value : Object.values(value);
    case 'filter':
      return (Array.isArray(value) ? value : []).filter((item) => {
        let current: readonly unknown[] = [item];
        for (const name of step.path) current = current.flatMap((one) => follow(one, { kind: 'field', name }));
        return String(current[0]) === step.value;
      });
  }
}
