import { isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { SourcePosition } from '../../base/index.ts';

/** From a field path to the place in the file: the key of the field, or the nearest one above that is there. */
export type Locate = (path: string) => SourcePosition;

export function locator(root: unknown, file: string, lines: LineCounter): Locate {
  return (path) => {
    const offset = offsetOf(root, fieldSteps(path));
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
}

/** `spec.ports[0].name` and `metadata.labels[a.b/c]` as steps. Keys in brackets may hold dots. */
export function fieldSteps(path: string): readonly string[] {
  return [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, inner, name]) =>
    (inner ?? name ?? '').replace(/^"(.*)"$/, '$1'),
  );
}

function offsetOf(root: unknown, steps: readonly string[]): number {
  let node = root;
  let offset = startOf(root) ?? 0;
  for (const step of steps) {
    const next = childOf(isAlias(node) ? undefined : node, step);
    if (!next) return offset;
    offset = startOf(next.key) ?? startOf(next.value) ?? offset;
    node = next.value;
  }
  return offset;
}

function childOf(node: unknown, step: string): { readonly key: unknown; readonly value: unknown } | undefined {
  if (isSeq(node)) {
    const item = /^\d+$/.test(step) ? node.items[Number(step)] : undefined;
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  return node.items.find(
    ({ key }) => isScalar(key) && (String(key.value) === step || snake(String(key.value)) === step),
  );
}

/** Protobuf JSON may spell a field `connectTimeout`; paths name it `connect_timeout`. */
function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
