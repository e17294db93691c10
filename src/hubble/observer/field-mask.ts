import type { Type } from 'protobufjs';
import { fail, ok, type Result } from '../../base/index.ts';
import { type Flow, messageType } from '../../model/flow/index.ts';

type MaskTree = Map<string, MaskTree | undefined>;

/**
 * Compiles field mask paths over Flow (`source.pod_name`, `IP`) into a function that copies those fields alone.
 * A path that names a message takes it whole. The error names the path that Flow does not have.
 */
export function compileFieldMask(paths: readonly string[]): Result<(flow: Flow) => Flow, string> {
  const tree: MaskTree = new Map();
  for (const path of paths) {
    if (!isFlowPath(path))
      return fail(`invalid fieldmask: invalid path ${JSON.stringify(path)} for message "flow.Flow"`);
    addPath(tree, path.split('.'));
  }
  return ok((flow) => pick(flow as Readonly<Record<string, unknown>>, tree) as Flow);
}

function isFlowPath(path: string): boolean {
  return hasPath(messageType('flow.Flow'), path.split('.'));
}

function hasPath(type: Type, [name = '', ...rest]: readonly string[]): boolean {
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (!field || rest.length === 0) return field !== undefined;
  const target = field.resolvedType;
  return !field.repeated && target !== null && 'fields' in target && hasPath(target, rest);
}

function addPath(tree: MaskTree, [name = '', ...rest]: readonly string[]): void {
  const known = tree.get(name);
  if (rest.length === 0) {
    tree.set(name, undefined);
    return;
  }
  if (tree.has(name) && !known) return;
  const child: MaskTree = known ?? new Map();
  tree.set(name, child);
  addPath(child, rest);
}

function pick(message: Readonly<Record<string, unknown>>, tree: MaskTree): object {
  const out: Record<string, unknown> = {};
  for (const [name, child] of tree) {
    const value = message[name];
    if (value === undefined || value === null) continue;
    out[name] = child ? pick(value as Readonly<Record<string, unknown>>, child) : value;
  }
  return out;
}
