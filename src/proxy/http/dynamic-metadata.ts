import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';

/** All that filters noted about a request: the latest note and what was there before it. */
export interface Noted {
  readonly note: MetadataNote;
  readonly before: Noted | undefined;
}

/**
 * A value that a filter notes about requests, under a namespace and a key. It remembers what it was last added to, so that requests
 * of which the same is noted share one list and the note costs no allocation.
 */
export class MetadataNote {
  readonly namespace: string;
  readonly key: string;
  readonly value: JsonValue;
  #added: Noted | undefined = undefined;

  constructor(namespace: string, key: string, value: JsonValue) {
    this.namespace = namespace;
    this.key = key;
    this.value = value;
  }

  /** What was noted before and this note, which takes the place of one with the same key. */
  addTo(before: Noted | undefined): Noted {
    const known = this.#added;
    if (known && known.before === before) return known;
    this.#added = { note: this, before };
    return this.#added;
  }
}

/** The value at a path of keys; the whole namespace for an empty path. */
export function findNoted(noted: Noted, namespace: string, path: readonly string[]): JsonValue | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return allNoted(noted)[namespace];
  let value = latest(noted, namespace, first);
  for (const key of rest) {
    // Clients choose what stands there: what every object inherits is none of it.
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** By namespace and key, in the order in which keys were noted first. */
export function allNoted(noted: Noted): JsonObject {
  const notes: MetadataNote[] = [];
  for (let one: Noted | undefined = noted; one; one = one.before) notes.push(one.note);
  const out: Record<string, Record<string, JsonValue>> = {};
  for (const { namespace, key, value } of notes.reverse()) {
    const values = out[namespace] ?? {};
    values[key] = value;
    out[namespace] = values;
  }
  return out;
}

function latest(noted: Noted, namespace: string, key: string): JsonValue | undefined {
  for (let one: Noted | undefined = noted; one; one = one.before) {
    if (one.note.key === key && one.note.namespace === namespace) return one.note.value;
  }
  return undefined;
}
