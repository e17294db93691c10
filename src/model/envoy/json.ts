export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** The same shape as the planner's `JsonObject`, so that resources pass between the rooms as they are. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
