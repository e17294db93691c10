import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import { HEADER_ACTIONS } from '../filter/rbac/header-actions.ts';

/** The configuration without what is marked as sensitive in it, as Envoy shows `udpa.annotations.sensitive` fields. */
export function redacted(json: JsonObject): JsonObject {
  const shown = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, redactedValue(value)]));
  if (!String(json['@type']).endsWith(`/${HEADER_ACTIONS}`) || !Array.isArray(json['headers'])) return shown;
  return { ...shown, headers: json['headers'].map(redactedAction) };
}

function redactedValue(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redactedValue);
  return isObject(value) ? redacted(value) : value;
}

function redactedAction(action: JsonValue): JsonValue {
  return isObject(action) && action['sensitive'] === true ? { ...action, value: '[redacted]' } : action;
}
