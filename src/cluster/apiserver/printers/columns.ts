import type { Column } from '../registry/definition.ts';
import { age } from './age.ts';

export function column(
  name: string,
  cell: Column['cell'],
  options: Partial<Omit<Column, 'name' | 'cell'>> = {},
): Column {
  return { name, type: 'string', priority: 0, description: '', ...options, cell };
}

export function wide(name: string, cell: Column['cell']): Column {
  return column(name, cell, { priority: 1 });
}

export function count(name: string, cell: Column['cell']): Column {
  return column(name, cell, { type: 'integer' });
}

export const NAME: Column = column('Name', (object) => object.metadata.name, {
  format: 'name',
  description: 'Name must be unique within a namespace.',
});

export const AGE: Column = column('Age', (object, now) => age(object.metadata.creationTimestamp, now), {
  description: 'Time since the object was created.',
});

/** What kinds without a printer of their own show. */
export const DEFAULT_COLUMNS: readonly Column[] = [
  NAME,
  column('Created At', (object) => object.metadata.creationTimestamp ?? '', { type: 'date' }),
];

export function joinOrNone(parts: readonly string[], limit = Number.POSITIVE_INFINITY): string {
  if (parts.length === 0) return '<none>';
  const shown = parts.slice(0, limit).join(',');
  return parts.length > limit ? `${shown} + ${parts.length - limit} more...` : shown;
}

export function labelText(labels: Readonly<Record<string, unknown>> | undefined): string {
  return joinOrNone(
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${String(value)}`)
      .sort(),
  );
}
