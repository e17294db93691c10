import { compileRe2 } from '../../base/index.ts';
import { type Faults, type Fields, fieldsAt, isFields, itemsAt, listAt, quoted, textAt } from './faults.ts';
import type { DnsMatch, DnsRule, HeaderRule, HttpRule, TlsContext } from './policy-types.ts';

/** How far a read goes: `syntax` is what an API server refuses, `complete` adds what only an agent can judge. */
export type Depth = 'syntax' | 'complete';

export function readHttpRules(
  faults: Faults,
  rules: Fields,
  path: string,
  namespace: string,
  depth: Depth,
): readonly HttpRule[] | undefined {
  return itemsAt(faults, rules, 'http', path)?.map(({ item, path: place }) => {
    const [pathText, method, host] = ['path', 'method', 'host'].map(
      (key) => textAt(faults, item, key, place) || undefined,
    );
    if (depth === 'complete') {
      checkExpression(faults, pathText, `${place}.path`);
      checkExpression(faults, method, `${place}.method`);
      checkExpression(faults, host, `${place}.host`);
    }
    return {
      fieldPath: place,
      ...(pathText === undefined ? {} : { path: pathText }),
      ...(method === undefined ? {} : { method }),
      ...(host === undefined ? {} : { host }),
      headers: [...readHeaders(faults, item, place), ...readHeaderMatches(faults, item, place, namespace)],
    };
  });
}

/** RE2 syntax; expressions without any operator are not worth loading the library. */
function checkExpression(faults: Faults, expression: string | undefined, path: string): void {
  if (expression === undefined || /^[\w/ -]*$/.test(expression)) return;
  const compiled = compileRe2(expression);
  if (!compiled.ok) faults.add(path, compiled.error, 'an RE2 regular expression');
}

/** `Name: value` or `Name`: the first space parts them, a colon at the end of the name goes. */
function readHeaders(faults: Faults, item: Fields, path: string): readonly HeaderRule[] {
  return (listAt(faults, item, 'headers', path) ?? []).flatMap((header, position) => {
    if (typeof header !== 'string' || header === '') {
      faults.add(`${path}.headers[${position}]`, 'Header name missing', '"Name" or "Name: value"');
      return [];
    }
    const space = header.indexOf(' ');
    return space < 0
      ? [{ name: header }]
      : [{ name: header.slice(0, space).replace(/:$/, ''), value: header.slice(space + 1) }];
  });
}

const mismatchActions = ['LOG', 'ADD', 'DELETE', 'REPLACE'] as const;

function readHeaderMatches(faults: Faults, item: Fields, path: string, namespace: string): readonly HeaderRule[] {
  return (itemsAt(faults, item, 'headerMatches', path) ?? []).map(({ item: match, path: place }) => {
    const name = textAt(faults, match, 'name', place) ?? '';
    const value = textAt(faults, match, 'value', place) || undefined;
    const action = textAt(faults, match, 'mismatch', place) || undefined;
    const mismatch = mismatchActions.find((each) => each === action);
    if (name === '') faults.add(`${place}.name`, 'Header name missing');
    if (action !== undefined && !mismatch) {
      faults.add(`${place}.mismatch`, `Invalid header action: ${action}`, mismatchActions.join(', '));
    }
    const secret = readSecret(faults, match, place, namespace);
    return {
      name,
      ...(value === undefined ? {} : { value }),
      ...(secret ? { secret } : {}),
      ...(mismatch ? { mismatch } : {}),
    };
  });
}

function readSecret(faults: Faults, fields: Fields, path: string, namespace: string): TlsContext['secret'] | undefined {
  const secret = fieldsAt(faults, fields, 'secret', path);
  if (!secret) return undefined;
  const name = textAt(faults, secret, 'name', `${path}.secret`) ?? '';
  if (name === '') faults.add(`${path}.secret.name`, 'Secret name missing');
  return { namespace: textAt(faults, secret, 'namespace', `${path}.secret`) || namespace, name };
}

export function readTlsContext(
  faults: Faults,
  fields: Fields,
  key: string,
  path: string,
  namespace: string,
): TlsContext | undefined {
  const context = fieldsAt(faults, fields, key, path);
  if (!context) return undefined;
  const place = `${path}.${key}`;
  const secret = readSecret(faults, context, place, namespace);
  if (!isFields(context['secret'])) faults.add(`${place}.secret`, 'Secret name missing');
  const keys = (['trustedCA', 'certificate', 'privateKey'] as const).flatMap((key) => {
    const name = textAt(faults, context, key, place);
    return name ? [[key, name] as const] : [];
  });
  return { secret: secret ?? { namespace, name: '' }, ...Object.fromEntries(keys) };
}

export function readDnsRules(faults: Faults, rules: Fields, path: string): readonly DnsRule[] | undefined {
  return itemsAt(faults, rules, 'dns', path)?.map(({ item, path: place }) => ({
    fieldPath: place,
    ...checkDnsMatch(faults, item, place),
  }));
}

const maxNameLength = 255;

/** `matchName` and `matchPattern` of a DNS rule or FQDN selector, empty ones left out. */
export function checkDnsMatch(faults: Faults, item: Fields, path: string): DnsMatch {
  const matchName = textAt(faults, item, 'matchName', path) || undefined;
  const matchPattern = textAt(faults, item, 'matchPattern', path) || undefined;
  if (matchName !== undefined && !/^[-a-zA-Z0-9_.]+$/.test(matchName)) {
    faults.add(
      `${path}.matchName`,
      `Invalid characters in MatchName: "${matchName}". Only 0-9, a-z, A-Z and ., -, _ characters are allowed`,
    );
  }
  if (matchPattern !== undefined && !/^[-a-zA-Z0-9_.*]+$/.test(matchPattern)) {
    faults.add(
      `${path}.matchPattern`,
      `Invalid characters in MatchPattern: "${matchPattern}". Only 0-9, a-z, A-Z and ., -, _ and * characters are allowed`,
    );
  }
  for (const [key, name, text] of [
    ['matchName', 'MatchName', matchName],
    ['matchPattern', 'MatchPattern', matchPattern],
  ]) {
    if (text !== undefined && text.length > maxNameLength) {
      faults.add(`${path}.${key}`, `Invalid ${name}: ${quoted(text)}. Must be <= ${maxNameLength} characters long.`);
    }
  }
  return { ...(matchName === undefined ? {} : { matchName }), ...(matchPattern === undefined ? {} : { matchPattern }) };
}
