import type { Fields } from '../config/fields.ts';
import { lowerAscii } from '../match/strings.ts';

/** Finds by host name in Envoy's order: exact, longest `*suffix`, longest `prefix*`, `*`. */
export interface DomainIndex<T> {
  find(authority: string): T | undefined;
  /** Where a request has no name to look for: what stands under `*`, if that is all there is. */
  readonly nameless: T | undefined;
}

interface Wildcards<T> {
  /** Longest first. */
  readonly lengths: number[];
  readonly byText: Map<string, T>;
}

export function buildDomains<T extends { readonly domains: readonly string[] }>(
  hosts: readonly T[],
  table: string,
  fields: Fields,
): DomainIndex<T> {
  const exact = new Map<string, T>();
  const suffixes: Wildcards<T> = { lengths: [], byText: new Map() };
  const prefixes: Wildcards<T> = { lengths: [], byText: new Map() };
  let any: T | undefined;
  const duplicate = (domain: string): void =>
    fields.problem(
      'virtual_hosts',
      `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${table}`,
    );
  for (const host of hosts) {
    for (const written of host.domains) {
      const domain = written.toLowerCase();
      if (domain === '*') {
        if (any) fields.problem('virtual_hosts', `Only a single wildcard domain is permitted in route ${table}`);
        any = host;
      } else if (domain.startsWith('*')) addWildcard(suffixes, domain.slice(1), host, () => duplicate(domain));
      else if (domain.endsWith('*')) addWildcard(prefixes, domain.slice(0, -1), host, () => duplicate(domain));
      else if (exact.has(domain)) duplicate(domain);
      else exact.set(domain, host);
    }
  }
  if (exact.size + suffixes.lengths.length + prefixes.lengths.length === 0) return { nameless: any, find: () => any };
  return { nameless: undefined, find: (authority) => lookUp(lowerAscii(authority), exact, suffixes, prefixes) ?? any };
}

function addWildcard<T>(wildcards: Wildcards<T>, text: string, value: T, duplicate: () => void): void {
  if (wildcards.byText.has(text)) {
    duplicate();
    return;
  }
  wildcards.byText.set(text, value);
  if (wildcards.lengths.includes(text.length)) return;
  wildcards.lengths.push(text.length);
  wildcards.lengths.sort((left, right) => right - left);
}

function lookUp<T>(
  host: string,
  exact: ReadonlyMap<string, T>,
  suffixes: Wildcards<T>,
  prefixes: Wildcards<T>,
): T | undefined {
  const found = exact.get(host);
  if (found) return found;
  for (const length of suffixes.lengths) {
    const value = length < host.length ? suffixes.byText.get(host.slice(host.length - length)) : undefined;
    if (value) return value;
  }
  for (const length of prefixes.lengths) {
    const value = length < host.length ? prefixes.byText.get(host.slice(0, length)) : undefined;
    if (value) return value;
  }
  return undefined;
}
