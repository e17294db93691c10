import type { Issue } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { readSecret, type Secret, type SecretCell, type SecretKind, type SecretReader } from '../tls/secret.ts';

interface Cell extends SecretCell {
  secret: Secret | undefined;
  /** What configurations take it for. */
  readonly kinds: Set<SecretKind>;
}

/** Secrets by name, discovered (SDS) and of the bootstrap. A new version is in force for the next handshake; connections do not notice. */
export class SecretStore implements SecretReader {
  readonly #cells = new Map<string, Cell>();
  readonly #fixed = new Map<string, SecretCell>();
  readonly #resources = new Map<string, JsonObject>();
  /** Names of secrets that were refused when they came. */
  readonly #refused = new Set<string>();

  readonly discover: SecretReader['discover'] = (name, { kind }) => {
    const cell = this.#cells.get(name) ?? { secret: undefined, kinds: new Set() };
    cell.kinds.add(kind);
    this.#cells.set(name, cell);
    return cell;
  };

  fixed(name: string): SecretCell | undefined {
    return this.#fixed.get(name);
  }

  /** A secret that stands in the bootstrap. */
  putFixed(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const secret = readMessage(json, '', issues, readSecret);
    if (issues.length === 0) this.#fixed.set(String(json['name'] ?? ''), { secret });
    return issues;
  }

  /** Takes a version into force, or nothing of it. */
  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const name = String(json['name'] ?? '');
    const secret = readMessage(json, '', issues, readSecret);
    const cell = this.#cells.get(name) ?? { secret: undefined, kinds: new Set() };
    if (secret && cell.kinds.size > 0 && !cell.kinds.has(secret.kind))
      issues.push({
        path: secret.kind,
        message: `the secret ${name} is of another kind`,
        allowed: [...cell.kinds].join(', '),
      });
    if (issues.length > 0) {
      this.#refused.add(name);
      return issues;
    }
    cell.secret = secret;
    this.#cells.set(name, cell);
    this.#resources.set(name, json);
    return issues;
  }

  /** Envoy keeps the last version of a secret that is taken away. */
  remove(name: string): void {
    this.#refused.delete(name);
  }

  refuse(name: string): void {
    this.#refused.add(name);
  }

  /** Whether any answer about the name has come. */
  answered(name: string): boolean {
    return this.#resources.has(name) || this.#refused.has(name);
  }

  dump(): readonly JsonObject[] {
    return [...this.#resources.values()];
  }
}
