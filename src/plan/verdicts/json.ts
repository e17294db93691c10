import type { JsonObject } from '../node-plan.ts';

/** The object, or an empty one for what is none. */
export function record(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The objects of a list; empty for what is none. */
export function list(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(record) : [];
}
