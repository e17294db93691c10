import type { Column } from '../registry/definition.ts';
import { age } from './age.ts';
import { AGE, column, NAME } from './columns.ts';
import { parseJsonPath } from './jsonpath.ts';

export interface AdditionalPrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority: number;
  readonly description: string;
}

/** Table columns of a custom resource: its own, or name and age when it declares none. */
export function customColumns(declared: readonly AdditionalPrinterColumn[]): readonly Column[] {
  if (declared.length === 0) return [NAME, AGE];
  return [NAME, ...declared.map(customColumn)];
}

function customColumn(declared: AdditionalPrinterColumn): Column {
  const read = parseJsonPath(declared.jsonPath);
  const type = columnType(declared.type);
  return column(
    declared.name,
    (object, now) => {
      const values = read?.(object) ?? [];
      const [first] = values;
      if (first === undefined || first === null) return type === 'string' ? '' : null;
      if (type === 'date') return age(first, now);
      if (type === 'integer' || type === 'number') return typeof first === 'number' ? first : null;
      if (type === 'boolean') return first === true;
      return typeof first === 'string' ? first : JSON.stringify(values.length > 1 ? values : first);
    },
    { type: type === 'date' ? 'date' : type, priority: declared.priority, description: declared.description },
  );
}

function columnType(type: string): Column['type'] {
  return type === 'integer' || type === 'number' || type === 'boolean' || type === 'date' ? type : 'string';
}
