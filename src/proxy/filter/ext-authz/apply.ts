import type { FilterStream } from '../filter.ts';
import { FRAMING } from '../framing.ts';
import { isFixed, type MutationKind, type MutationVerdict } from '../mutation-rules.ts';
import { addRequestField, appendRequestField, isField, setRequestField } from '../request-fields.ts';
import type { AuthzConfig } from './config.ts';
import { changeQuery, isUrlEncoded } from './query.ts';
import type { Field, Mutations, ResponseMutations } from './verdict.ts';

/** Changes a request as its authorization server wants; false: it wants something that cannot be, and the request may be half changed. */
export function applyMutations(stream: FilterStream, mutations: Mutations, config: AuthzConfig): boolean {
  const { head } = stream;
  const judge = (kind: MutationKind, name: string, value: string): MutationVerdict => {
    // The body goes on in the frame that it came in.
    if (FRAMING.has(name)) return 'ignored';
    return config.rules?.(kind, name, value) ?? 'done';
  };
  const change = (kind: MutationKind, fields: readonly Field[], put: typeof setRequestField): boolean =>
    fields.every(([name, value]) => {
      const verdict = judge(kind, name, value);
      return verdict === 'done' ? put(head, name, value, stream) : verdict === 'ignored';
    });
  if (!change('set', mutations.set, setRequestField)) return false;
  if (!change('set', mutations.add, addRequestField)) return false;
  if (!change('append', mutations.append, appendRequestField)) return false;
  for (const written of mutations.remove) {
    const name = written.toLowerCase();
    const verdict = judge('remove', name, '');
    if (verdict === 'refused') return false;
    if (verdict === 'done' && !isFixed(name)) head.headers.remove(name);
  }
  return isResponse(mutations.response) && changePath(stream, mutations, config.validate);
}

/** Whether what is for the response may stand in one. */
function isResponse({ add, set, addIfAbsent, overwriteIfExists }: ResponseMutations): boolean {
  return [add, set, addIfAbsent, overwriteIfExists].every((fields) =>
    fields.every(([name, value]) => isField(name, value)),
  );
}

function changePath(stream: FilterStream, { setQuery, removeQuery }: Mutations, validates: boolean): boolean {
  if (setQuery.length + removeQuery.length === 0) return true;
  if (validates && !setQuery.every(([name, value]) => isUrlEncoded(name) && isUrlEncoded(value))) return false;
  return setRequestField(stream.head, ':path', changeQuery(stream.head.path, setQuery, removeQuery), stream);
}

/** Whether a head that was changed is still one that a client could have sent. */
export function isWithinLimits({ head: { headers }, headLimits }: FilterStream): boolean {
  if (!headLimits) return true;
  let bytes = 0;
  for (let at = 0; at < headers.size; at++) bytes += headers.nameAt(at).length + headers.valueAt(at).length;
  return headers.size <= headLimits.maxHeaders && bytes <= headLimits.maxBytes;
}

/** Whether what was changed may lead to another route. */
export function concernsRoute({ set, append, remove, setQuery, removeQuery }: Mutations): boolean {
  return set.length + append.length + remove.length + setQuery.length + removeQuery.length > 0;
}
