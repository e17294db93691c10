import type { Issue } from '../../base/index.ts';
import { formatIssue } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { type Change, keyOf, type ResourceKind } from '../worker/change.ts';
import type { Workers } from '../worker/group.ts';
import type { Apply } from './static.ts';

/** A configuration that was accepted, as it came; undefined: none was. */
export interface AcceptedConfig {
  readonly json: JsonObject | undefined;
  readonly version: string;
  /** ISO time of the change. */
  readonly updated: string;
}

/** The configuration of a resource, and the last one that was refused since. */
export interface ConfigRecord extends AcceptedConfig {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly fixed: boolean;
  /** What was accepted before. */
  readonly before: AcceptedConfig | undefined;
  readonly error: ConfigError | undefined;
}

export interface ConfigError {
  readonly json: JsonObject;
  readonly version: string;
  readonly at: string;
  readonly details: string;
}

/** What `/config_dump` shows of the resources. */
export class ConfigRecords {
  readonly startedAt = new Date().toISOString();
  readonly #records = new Map<string, ConfigRecord>();

  of(kind: ResourceKind): readonly ConfigRecord[] {
    return [...this.#records.values()].filter((record) => record.kind === kind);
  }

  /** Another response of a type that comes as a whole: what was refused before counts no longer. */
  forgetErrors(kind: ResourceKind): void {
    for (const [key, record] of this.#records) {
      if (record.kind !== kind || !record.error) continue;
      if (record.json === undefined) this.#records.delete(key);
      else this.#records.set(key, { ...record, error: undefined });
    }
  }

  /** Takes note of what became of changes. */
  note(changes: readonly Change[], results: readonly (readonly Issue[])[]): void {
    const at = new Date().toISOString();
    for (const [index, change] of changes.entries()) {
      const key = keyOf(change);
      const issues = results[index] ?? [];
      if (change.kind === 'remove') {
        if (issues.length === 0) this.#records.delete(key);
        continue;
      }
      const { kind, json, fixed = false, version = '' } = change;
      const before = this.#records.get(key);
      const name = key.slice(kind.length + 1);
      if (issues.length === 0) {
        const { json: old, version: from, updated } = before ?? { json: undefined, version: '', updated: '' };
        const last = old && { json: old, version: from, updated };
        this.#records.set(key, { kind, name, fixed, json, version, updated: at, before: last, error: undefined });
        continue;
      }
      const error = { json, version, at, details: issues.map(formatIssue).join('; ') };
      this.#records.set(key, {
        ...(before ?? { kind, name, fixed, json: undefined, version: '', updated: at, before: undefined }),
        error,
      });
    }
  }
}

/** `workers.apply` with a note of what became of each change. */
export function recorded(workers: Workers, records: ConfigRecords): Apply {
  return async (changes, whole) => {
    const results = await workers.apply(changes);
    if (whole) records.forgetErrors(whole);
    records.note(changes, results);
    return results;
  };
}
