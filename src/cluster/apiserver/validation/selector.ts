import type { Issue } from '../../../base/index.ts';
import { isRecord, listAt, recordAt } from '../schema/shape.ts';
import { child, forbiddenField, index, invalidValue, required, unsupported } from './errors.ts';
import { validateLabels } from './metadata.ts';
import { labelValue, qualifiedName } from './names.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Rules for a `metav1.LabelSelector`. */
export function validateSelector(selector: unknown, path: string): Issue[] {
  if (!isRecord(selector)) return [];
  const issues = validateLabels(recordAt(selector, 'matchLabels'), child(path, 'matchLabels'));
  for (const [position, requirement] of listAt(selector, 'matchExpressions').entries()) {
    issues.push(...validateRequirement(requirement, index(child(path, 'matchExpressions'), position)));
  }
  return issues;
}

function validateRequirement(requirement: unknown, path: string): Issue[] {
  if (!isRecord(requirement)) return [];
  const { key, operator } = requirement;
  const values = listAt(requirement, 'values');
  const issues: Issue[] = [];
  const fault = qualifiedName(typeof key === 'string' ? key : '');
  if (fault) issues.push(invalidValue(child(path, 'key'), key ?? '', fault));
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      issues.push(required(child(path, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      issues.push(
        forbiddenField(child(path, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else issues.push(unsupported(child(path, 'operator'), operator ?? '', OPERATORS));
  for (const [position, value] of values.entries()) {
    const valueFault = labelValue(String(value));
    if (valueFault) issues.push(invalidValue(index(child(path, 'values'), position), value, valueFault));
  }
  return issues;
}
