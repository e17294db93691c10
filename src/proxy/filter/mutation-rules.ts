import { Fields } from '../config/fields.ts';
import { isHost } from '../http/authority.ts';
import { isHeaderValue } from '../http/bytes.ts';
import { readRegex } from '../match/strings.ts';

export type MutationKind = 'set' | 'append' | 'remove';
/** What comes of a mutation: it is done, passed over, or makes the whole answer an error. */
export type MutationVerdict = 'done' | 'ignored' | 'refused';

/** Judges one mutation of a header; `name` is in lower case, `value` latin1 text. */
export type MutationRules = (kind: MutationKind, name: string, value: string) => MutationVerdict;

const ROUTING: ReadonlySet<string> = new Set(['host', ':authority', ':method', ':scheme']);

/** Reads an `envoy.config.common.mutation_rules.v3.HeaderMutationRules`. */
export function readMutationRules(fields: Fields): MutationRules {
  const routing = fields.boolean('allow_all_routing') ?? false;
  const envoy = fields.boolean('allow_envoy') ?? false;
  const noSystem = fields.boolean('disallow_system') ?? false;
  const nothing = fields.boolean('disallow_all') ?? false;
  const allowed = fields.message('allow_expression', readRegex);
  const disallowed = fields.message('disallow_expression', readRegex);
  const refusal: MutationVerdict = fields.boolean('disallow_is_error') ? 'refused' : 'ignored';
  const mayChange = (kind: MutationKind, name: string): boolean => {
    if (kind === 'remove' && isFixed(name)) return false;
    if (disallowed?.matches(name)) return false;
    if (allowed?.matches(name)) return true;
    if (nothing) return false;
    if (!routing && ROUTING.has(name)) return false;
    if (name.startsWith(':') && (kind === 'append' || noSystem)) return false;
    return envoy || !name.startsWith('x-envoy');
  };
  return (kind, name, value) => {
    const done = mayChange(kind, name) && (kind === 'remove' || isFitting(name, value));
    return done ? 'done' : refusal;
  };
}

/** Those of a message that says nothing. */
export const DEFAULT_RULES = readMutationRules(new Fields({}, '', []));

/** Fields of the head, without which it would be none. */
export function isFixed(name: string): boolean {
  return name.startsWith(':') || name === 'host';
}

/** Whether a field of that name may have that value. */
function isFitting(name: string, value: string): boolean {
  switch (name) {
    case 'host':
    case ':authority':
      return isHost(value);
    case ':scheme':
      return value === 'http' || value === 'https';
    case ':status':
      return /^\d{1,9}$/.test(value) && Number(value) >= 200;
    default:
      return name.startsWith(':') || isHeaderValue(value);
  }
}
