import type { Issue } from '../../base/index.ts';
import { type FlowFilter, readJsonValue } from '../../model/flow/index.ts';
import { compileSelection } from '../filter/compile.ts';
import { splitJsonObjects } from '../filter/json-objects.ts';

/** One JSON object after the other, with or without commas between them, or a list of them. */
export function filtersOfText(text: string, path: string, issues: Issue[]): readonly FlowFilter[] {
  const values: unknown[] = [];
  for (const object of splitJsonObjects(text.trim().replace(/^\[|\]$/g, ''))) {
    try {
      values.push(JSON.parse(object.replace(/^[\s,]+|[\s,]+$/g, '')));
    } catch (error) {
      issues.push({ path: `${path}[${values.length}]`, message: `not JSON: ${(error as Error).message}` });
      return [];
    }
  }
  return filtersOf(values, path, issues);
}

/** Filters as parsed JSON or YAML; what is wrong with them is added to the issues. */
export function filtersOf(values: unknown, path: string, issues: Issue[]): readonly FlowFilter[] {
  if (values === undefined || values === null) return [];
  if (!Array.isArray(values)) {
    issues.push({ path, ...wrong(values, 'a list of filters') });
    return [];
  }
  return values.map((value, index) => {
    const read = readJsonValue<FlowFilter>('flow.FlowFilter', value);
    if (!read.ok) {
      issues.push({ path: `${path}[${index}]`, message: read.error });
      return {};
    }
    for (const field of read.value.unknown) {
      issues.push({ path: `${path}[${index}].${field}`, message: 'no field of flow.FlowFilter has this name' });
    }
    return read.value.message;
  });
}

/** What can only be told by using them. */
export function checkFilters(filters: readonly FlowFilter[], path: string, issues: Issue[]): void {
  for (const [index, filter] of filters.entries()) {
    const compiled = compileSelection([filter], []);
    if (!compiled.ok) issues.push({ path: `${path}[${index}]`, message: compiled.error });
  }
}

/** A value of a setting and what it could have been. */
export function wrong(value: unknown, allowed: string): Pick<Issue, 'message' | 'allowed'> {
  return { message: `found ${(JSON.stringify(value) ?? 'nothing').slice(0, 80)}`, allowed };
}
