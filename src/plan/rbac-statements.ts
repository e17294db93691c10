import type { AddressRange, PolicyFilter } from '../policy/index.ts';
import type { JsonObject } from './node-plan.ts';
import { type AddressBook, upstreamPorts } from './rbac-addresses.ts';

/** A filter with the addresses of clients and backends that it is about. */
export interface Statement {
  readonly filter: PolicyFilter;
  readonly clients: readonly AddressRange[] | 'any';
  readonly backends: readonly AddressRange[] | 'any';
  /** Number among the statements of its filter, where these are for different clients. */
  readonly part?: number;
  /** What it does not speak of. */
  readonly except?: readonly Pick<Statement, 'filter' | 'backends'>[];
}

/** The backends and ports of the statement, none where it is about all of them. */
export function targetPermissions(
  { filter, backends, except = [] }: Pick<Statement, 'filter' | 'backends' | 'except'>,
  addresses: AddressBook,
): readonly JsonObject[] {
  const host = backends === 'any' ? [] : [anyOf(addresses.permissions(backends))];
  const port = filter.port === 0 ? [] : [upstreamPorts(filter.port, filter.portEnd)];
  const others = except.map((other) => allOf(targetPermissions(other, addresses)));
  return [...host, ...port, ...(others.length === 0 ? [] : [{ not_rule: anyOf(others) }])];
}

export function allOf(permissions: readonly JsonObject[]): JsonObject {
  const [first] = permissions;
  if (!first) return { any: true };
  return permissions.length === 1 ? first : { and_rules: { rules: permissions } };
}

export function anyOf(permissions: readonly JsonObject[]): JsonObject {
  const [first] = permissions;
  return first && permissions.length === 1 ? first : { or_rules: { rules: permissions } };
}

/** An alias and no interface, since that is no JsonObject. */
export type RbacPolicy = { readonly permissions: JsonObject[]; readonly principals: readonly JsonObject[] };

/** Where an allowance stands: the key of its rule, and a number for each group whose policies are told apart. */
export interface PolicyPlace {
  readonly rule: string;
  readonly part?: number | undefined;
}

/**
 * Lets these clients do one thing more. A policy means all of its permissions for all of its principals, so that a rule which lets
 * different clients do different things has several; all are named by the rule.
 */
export function addPermission(
  policies: Map<string, RbacPolicy>,
  { rule, part }: PolicyPlace,
  principals: readonly JsonObject[],
  permission: JsonObject,
): void {
  const first = part === undefined ? rule : `${rule}#${part}`;
  for (let further = 0; ; further++) {
    const name = further === 0 ? first : `${first}#${further}`;
    const known = policies.get(name);
    if (!known) {
      policies.set(name, { permissions: [permission], principals });
      return;
    }
    if (isSame(known.principals, principals)) {
      known.permissions.push(permission);
      return;
    }
  }
}

/** The address book makes the same prefix the same object, so that texts are rarely compared. */
function isSame(one: readonly JsonObject[], other: readonly JsonObject[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  return one.every((item, at) => item === other[at] || JSON.stringify(item) === JSON.stringify(other[at]));
}

/** The key of the rule behind an RBAC policy. */
export function ruleOfPolicy(name: string): string {
  return name.replace(/(?:#\d+)+$/, '');
}
