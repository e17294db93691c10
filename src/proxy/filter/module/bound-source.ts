import { type Node, parse } from 'acorn';
import { fail, ok, type Result } from '../../../base/index.ts';

const BOUNDS = new URL('./bounds.ts', import.meta.url).href;
const NAME = 'ciliateBounds';

/** Text that comes into a source before what stands at `at`. */
interface Insertion {
  readonly at: number;
  readonly text: string;
}

/**
 * A module of JavaScript whose loops and functions look at the bounds of `bounds.ts`; each stays in its line. The error says where the source
 * cannot be read.
 */
export function boundSource(source: string): Result<string, string> {
  let program: Node;
  try {
    program = parse(source, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const name = unusedName(source);
  const insertions: Insertion[] = [];
  for (const node of nodesOf(program)) insertions.push(...insertionsFor(node, `${name}.left--||${name}.look()`));
  if (insertions.length === 0) return ok(source);
  return ok(`${insert(source, insertions)}\nimport { bounds as ${name} } from ${JSON.stringify(BOUNDS)};`);
}

function unusedName(source: string): string {
  let name = NAME;
  while (source.includes(name)) name += '_';
  return name;
}

function* nodesOf(root: Node): Generator<Node> {
  const left: unknown[] = [root];
  while (left.length > 0) {
    const value = left.pop();
    if (Array.isArray(value)) for (const item of value) left.push(item);
    else if (isNode(value)) {
      yield value;
      left.push(...Object.values(value));
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function insertionsFor(node: Node, look: string): readonly Insertion[] {
  switch (node.type) {
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression': {
      const { body } = node as Node & { readonly body: Node };
      if (body.type === 'BlockStatement') return [{ at: body.start + 1, text: `${look};` }];
      const [before, after] = node.type === 'ArrowFunctionExpression' ? [`(${look},`, ')'] : [`{${look};`, '}'];
      return [
        { at: body.start, text: before },
        { at: body.end, text: after },
      ];
    }
    default:
      return [];
  }
}

function insert(source: string, insertions: readonly Insertion[]): string {
  let text = '';
  let from = 0;
  for (const { at, text: inserted } of insertions.toSorted((one, other) => one.at - other.at)) {
    text += source.slice(from, at) + inserted;
    from = at;
  }
  return text + source.slice(from);
}
