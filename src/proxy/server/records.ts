import type { Issue } from '../../base/index.ts';
import { formatIssue } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { type Change, keyOf, type ResourceKind } from '../worker/change.ts';
import type { Workers } from '../worker/group.ts';
import type { Apply } from './static.ts';

/** A configuration in force as it came, and the last one that was refused since. */
export interface ConfigRecord {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly fixed: boolean;
  readonly json: JsonObject | undefined;
  readonly version: string;
  /** ISO time of the last change. */
  readonly updated: string;
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
        this.#records.set(key, { kind, name, fixed, json, version, updated: at, error: undefined });
        continue;
      }
      const error = { json, version, at, details: issues.map(formatIssue).join('; ') };
      this.#records.set(key, {
        ...(before ?? { kind, name, fixed, json: undefined, version: '', updated: at }),
        error,
      });
    }
  }
}

/** `workers.apply` with a note of what became of each change. */
export function recorded(workers: Workers, records: ConfigRecords): Apply {
  return async (changes) => {
    const results = await workers.apply(changes);
    records.note(changes, results);
    return results;
  };
}
