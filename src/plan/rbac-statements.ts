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

/** The name of an RBAC policy: that of its rule, and a number where one rule makes several. */
export function policyName(rule: string, part: number | undefined): string {
  return part === undefined ? rule : `${rule}#${part}`;
}

/** The key of the rule behind an RBAC policy. */
export function ruleOfPolicy(name: string): string {
  return name.replace(/#\d+$/, '');
}
