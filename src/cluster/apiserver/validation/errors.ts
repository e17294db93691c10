import type { Issue } from '../../../base/index.ts';

/** Field errors in Kubernetes' own words, so that the API server's answers read as people know them. */

export function required(path: string, detail?: string): Issue {
  return { path, message: detail === undefined ? 'Required value' : `Required value: ${detail}` };
}

export function invalidValue(path: string, value: unknown, detail: string): Issue {
  return { path, message: `Invalid value: ${show(value)}: ${detail}` };
}

export function unsupported(path: string, value: unknown, supported: readonly string[]): Issue {
  return { path, message: `Unsupported value: ${show(value)}`, allowed: supported.map(show).join(', ') };
}

export function duplicate(path: string, value: unknown): Issue {
  return { path, message: `Duplicate value: ${show(value)}` };
}

export function forbiddenField(path: string, detail: string): Issue {
  return { path, message: `Forbidden: ${detail}` };
}

export function tooLong(path: string, limit: number): Issue {
  return { path, message: `Too long: may not be more than ${limit} bytes` };
}

export function tooMany(path: string, found: number, limit: number): Issue {
  return { path, message: `Too many: ${found}: must have at most ${limit} items` };
}

/** A value as messages quote it; long ones are cut. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** `base.name`, or `base[name]` for names that are no identifiers, as Kubernetes prints map keys. */
export function child(base: string, name: string): string {
  return base === '' ? name : `${base}.${name}`;
}

export function mapKey(base: string, key: string): string {
  return `${base}[${key}]`;
}

export function index(base: string, position: number): string {
  return `${base}[${position}]`;
}
