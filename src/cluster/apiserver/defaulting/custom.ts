import { isRecord } from '../schema/shape.ts';
import type { JsonSchema } from '../schema/structural.ts';

/** Fills in the defaults of a structural schema, in place. Nulls where null is not allowed count as absent when there is a default. */
export function defaultCustom(schema: JsonSchema, value: unknown): void {
  if (Array.isArray(value)) {
    const items = schema['items'];
    if (isRecord(items)) for (const item of value) defaultCustom(items, item);
    return;
  }
  if (!isRecord(value)) return;
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  for (const [name, inner] of Object.entries(properties)) {
    if (!isRecord(inner)) continue;
    const absent = !Object.hasOwn(value, name) || (value[name] === null && inner['nullable'] !== true);
    if (absent && inner['default'] !== undefined) value[name] = structuredClone(inner['default']);
    defaultCustom(inner, value[name]);
  }
  const additional = schema['additionalProperties'];
  if (!isRecord(additional)) return;
  for (const [name, item] of Object.entries(value))
    if (!Object.hasOwn(properties, name)) defaultCustom(additional, item);
}
