import { timingSafeEqual } from 'node:crypto';
import type { Fields } from '../../config/fields.ts';
import { isHeaderValue, isToken } from '../../http/bytes.ts';
import { SINGLE_REQUEST_HEADERS } from '../../http/single-headers.ts';
import { isModifiable } from '../../route/mutation.ts';
import type { RbacSubject, StreamCondition } from './condition.ts';

export const HEADER_ACTIONS = 'ciliate.rbac.v3.HeaderActions';

/** Namespace of the dynamic metadata, and its keys: what was not there as asked for, and what was there and should not be. */
const NAMESPACE = 'ciliate.rbac';
const MISSING = 'missing_headers';
const REJECTED = 'rejected_headers';
const REDACTED = '[redacted]';

const MISMATCH = ['FAIL', 'LOG', 'ADD', 'DELETE', 'REPLACE'] as const;
const CHANGES: ReadonlySet<string> = new Set(['ADD', 'DELETE', 'REPLACE']);

interface HeaderAction {
  /** In lower case. */
  readonly name: string;
  /** Empty: the header has to be there, whatever its value. */
  readonly value: string;
  /** The value is nobody else's business. */
  readonly sensitive: boolean;
  readonly mismatch: (typeof MISMATCH)[number];
}

/**
 * Reads a `ciliate.rbac.v3.HeaderActions`: `headers`, each with `name`, `value`, `sensitive` and `mismatch`, which says what is done to a
 * request whose header has another value or is missing, as `cilium.HeaderMatch` of Cilium's proxy: only `FAIL` does not let it pass. One that
 * fails does not keep the others from being done. The values of a repeated header are compared as one, joined by commas.
 */
export function readHeaderActions(fields: Fields): StreamCondition {
  const actions = fields.list('headers', readAction);
  if (actions.length === 0) fields.problem('headers', 'value must contain at least 1 item(s)');
  return (stream) => {
    let passes = true;
    for (const action of actions) if (!perform(action, stream)) passes = false;
    return passes;
  };
}

function readAction(fields: Fields): HeaderAction {
  const name = fields.required('name').toLowerCase();
  const mismatch = fields.choice('mismatch', MISMATCH);
  if (!isModifiable(name)) {
    if (CHANGES.has(mismatch)) fields.problem('name', ':-prefixed or host headers may not be modified');
  } else if (name !== '' && !isToken(name)) fields.problem('name', `${JSON.stringify(name)} is not a header name`);
  const value = Buffer.from(fields.text('value'), 'utf8').toString('latin1');
  if (!isHeaderValue(value)) fields.problem('value', 'control characters are not allowed in a header value');
  return { name, value, sensitive: fields.flag('sensitive'), mismatch };
}

function perform(action: HeaderAction, stream: RbacSubject): boolean {
  const { name, value, mismatch } = action;
  const { headers } = stream.head;
  const present = isModifiable(name) ? headers.joined(name) : stream.requestHeader(name);
  if (present !== undefined && (value === '' || sameText(present, value))) return true;
  if (mismatch === 'DELETE') {
    if (present === undefined) return true;
    headers.remove(name);
    note(stream, REJECTED, action, present);
    return true;
  }
  if (mismatch === 'REPLACE' && present !== undefined) note(stream, REJECTED, action, present);
  note(stream, MISSING, action, value);
  if (mismatch === 'REPLACE') headers.set(name, value);
  else if (mismatch === 'ADD' && SINGLE_REQUEST_HEADERS.has(name)) headers.join(name, value);
  else if (mismatch === 'ADD') headers.add(name, value);
  return mismatch !== 'FAIL';
}

/** How long it takes says nothing about how much of the value is right. */
function sameText(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  return timingSafeEqual(Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1'));
}

function note(stream: RbacSubject, key: string, { name, sensitive }: HeaderAction, value: string): void {
  const before = stream.metadata(NAMESPACE, [key]);
  const noted = { key: name, value: sensitive ? REDACTED : value };
  stream.setMetadata(NAMESPACE, key, Array.isArray(before) ? [...before, noted] : [noted]);
}
