/** What a value may look like: one model for built-in kinds (from `fields.txt`) and for custom resources (from their structural schema). */
export type Shape = ScalarShape | ObjectShape | MapShape | ListShape;

export type ScalarKind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'bytes'
  | 'time'
  | 'microtime'
  | 'duration'
  | 'quantity'
  | 'intorstring'
  | 'rawjson'
  | 'any';

export interface ScalarShape {
  readonly kind: 'scalar';
  readonly scalar: ScalarKind;
}

export interface ObjectShape {
  readonly kind: 'object';
  /** Name of the type, for documentation; empty for custom resources. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldShape>;
  /** Fields that are not listed are kept (`x-kubernetes-preserve-unknown-fields`). */
  readonly open: boolean;
  /** One owner for the whole value in server-side apply. */
  readonly atomic: boolean;
  /** The value is a Kubernetes object of its own: apiVersion, kind and metadata are allowed. */
  readonly embedded: boolean;
}

interface MapShape {
  readonly kind: 'map';
  readonly values: Shape;
  readonly atomic: boolean;
}

export interface ListShape {
  readonly kind: 'list';
  readonly items: Shape;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly keys: readonly string[];
}

export interface FieldShape {
  readonly name: string;
  readonly shape: Shape;
  readonly optional: boolean;
  /** Strategic merge patch: the key that identifies an item of a merged list. */
  readonly mergeKey?: string;
  /** Strategic merge patch strategy; absent means replace for lists and merge for objects. */
  readonly strategy?: string;
  /** Field number of the protobuf encoding; built-in kinds only. */
  readonly number?: number;
}

export const ANY: ScalarShape = { kind: 'scalar', scalar: 'any' };

/** A plain JSON object: neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a nested field; undefined when any step is absent. */
export function at(value: unknown, ...steps: readonly string[]): unknown {
  let current = value;
  for (const step of steps) {
    if (!isRecord(current) || !Object.hasOwn(current, step)) return undefined;
    current = current[step];
  }
  return current;
}

export function recordAt(value: unknown, ...steps: readonly string[]): Record<string, unknown> | undefined {
  const found = at(value, ...steps);
  return isRecord(found) ? found : undefined;
}

export function listAt(value: unknown, ...steps: readonly string[]): readonly unknown[] {
  const found = at(value, ...steps);
  return Array.isArray(found) ? found : [];
}

export function stringAt(value: unknown, ...steps: readonly string[]): string | undefined {
  const found = at(value, ...steps);
  return typeof found === 'string' ? found : undefined;
}

export function numberAt(value: unknown, ...steps: readonly string[]): number | undefined {
  const found = at(value, ...steps);
  return typeof found === 'number' ? found : undefined;
}
