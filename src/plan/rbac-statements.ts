import type { AddressRange, PolicyFilter } from '../policy/index.ts';
import type { JsonObject } from './node-plan.ts';
import { type AddressBook, upstreamPorts } from './rbac-addresses.ts';

/** A filter with the addresses of clients and backends that it is about. */
export interface Statement {
  readonly filter: PolicyFilter;
  readonly clients: readonly AddressRange[] | 'any';
  readonly backends: readonly AddressRange[] | 'any';
}

/** The backends and ports of the statement, none where it is about all of them. */
export function targetPermissions(
  { filter, backends }: Pick<Statement, 'filter' | 'backends'>,
  addresses: AddressBook,
): readonly JsonObject[] {
  const host = backends === 'any' ? [] : [anyOf(addresses.permissions(backends))];
  const port = filter.port === 0 ? [] : [upstreamPorts(filter.port, filter.portEnd)];
  return [...host, ...port];
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
