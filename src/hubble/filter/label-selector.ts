import { fail, ok, type Result } from '../../base/index.ts';

type Requirement = (labels: readonly string[]) => boolean;

/**
 * A Kubernetes label selector (`a=b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, `a>1`, joined by commas) over a flow's
 * labels `source:key=value`. A key with a source matches that source alone, a bare key or source `any` every source.
 * An empty selector matches everything.
 */
export function compileLabelSelector(selector: string): Result<Requirement, string> {
  if (selector.trim() === '') return ok(() => true);
  const requirements: Requirement[] = [];
  for (const part of splitRequirements(selector)) {
    const requirement = compileRequirement(part.trim());
    if (!requirement) return fail(`invalid label selector: ${JSON.stringify(selector)}`);
    requirements.push(requirement);
  }
  return ok((labels) => requirements.every((requirement) => requirement(labels)));
}

/** Splits at the commas that are not inside parentheses. */
function splitRequirements(selector: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < selector.length; index++) {
    const character = selector[index];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(selector.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(selector.slice(start));
  return parts;
}

const key = '([A-Za-z0-9][-A-Za-z0-9_./:]*)';
const value = '[A-Za-z0-9_.-]*';
const setForm = new RegExp(`^${key}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalForm = new RegExp(`^${key}\\s*(==|=|!=)\\s*(${value})$`);
const orderForm = new RegExp(`^${key}\\s*([<>])\\s*(-?\\d{1,18})$`);
const existsForm = new RegExp(`^(!?)\\s*${key}$`);

function compileRequirement(text: string): Requirement | undefined {
  const set = setForm.exec(text);
  if (set)
    return valueTest(set[1] ?? '', new Set((set[3] ?? '').split(',').map((item) => item.trim())), set[2] === 'in');
  const equal = equalForm.exec(text);
  if (equal) return valueTest(equal[1] ?? '', new Set([equal[3] ?? '']), equal[2] !== '!=');
  const order = orderForm.exec(text);
  if (order) return orderTest(order[1] ?? '', order[2] === '>', Number(order[3]));
  const exists = existsForm.exec(text);
  if (!exists) return undefined;
  const wanted = exists[1] === '';
  return (labels) => valuesOf(labels, exists[2] ?? '').length > 0 === wanted;
}

/** `in`: some label has one of the values. Its negation also holds where the key is missing. */
function valueTest(name: string, values: ReadonlySet<string>, wanted: boolean): Requirement {
  return (labels) => valuesOf(labels, name).some((found) => values.has(found)) === wanted;
}

/** Greater or less than a whole number; a value that is none fails. */
function orderTest(name: string, greater: boolean, limit: number): Requirement {
  return (labels) =>
    valuesOf(labels, name).some((found) => {
      if (!/^[+-]?\d{1,18}$/.test(found)) return false;
      return greater ? Number(found) > limit : Number(found) < limit;
    });
}

function valuesOf(labels: readonly string[], key: string): string[] {
  const name = key.replace(/^any:/, '');
  const out: string[] = [];
  for (const label of labels) {
    const equals = label.indexOf('=');
    const written = equals < 0 ? label : label.slice(0, equals);
    if (written === name || written.slice(written.indexOf(':') + 1) === name) {
      out.push(equals < 0 ? '' : label.slice(equals + 1));
    }
  }
  return out;
}
