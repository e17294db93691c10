import { chmodSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { KubernetesObject } from '../../store.ts';

/** Where objects outlive the process. Every call is synchronous and durable against a crash of the process when it returns. */
export interface Database {
  /** Everything stored, and the revision of the last change. */
  load(): { readonly revision: number; readonly objects: readonly StoredObject[] };
  put(revision: number, stored: StoredObject): void;
  remove(revision: number, resource: string, namespace: string, name: string): void;
  close(): void;
}

export interface StoredObject {
  readonly resource: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly object: KubernetesObject;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
  INSERT OR IGNORE INTO revision VALUES (1, 1);
`;

/** Opens (or creates) `objects.db` in the directory, readable by its owner only. Throws when it is damaged or held by another process. */
export function openDatabase(directory: string): Database {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'objects.db');
  const database = new DatabaseSync(file);
  chmodSync(file, 0o600);
  // Exclusive locking keeps a second server off the same state; NORMAL survives the process, which is what can die here.
  database.exec(
    'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512;',
  );
  database.exec(SCHEMA);
  const putObject = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)');
  const removeObject = database.prepare('DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?');
  const setRevision = database.prepare('UPDATE revision SET value = ? WHERE id = 1');
  const transaction = (revision: number, change: () => void) => {
    database.exec('BEGIN');
    try {
      change();
      setRevision.run(revision);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    load() {
      const row = database.prepare('SELECT value FROM revision').get();
      const objects = database.prepare('SELECT resource, namespace, json FROM objects').all();
      return {
        revision: Number(row?.['value'] ?? 1),
        objects: objects.map((stored) => ({
          resource: String(stored['resource']),
          namespace: String(stored['namespace']),
          object: JSON.parse(String(stored['json'])) as KubernetesObject,
        })),
      };
    },
    put(revision, { resource, namespace, object }) {
      const json = JSON.stringify(object);
      transaction(revision, () => putObject.run(resource, namespace, object.metadata.name, json));
    },
    remove(revision, resource, namespace, name) {
      transaction(revision, () => removeObject.run(resource, namespace, name));
    },
    close: () => database.close(),
  };
}
