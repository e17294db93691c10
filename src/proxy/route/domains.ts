import type { Fields } from '../config/fields.ts';
import { lowerAscii } from '../match/strings.ts';
import { nextNode, PrefixTree, previousNode, type TreeNode } from './prefix-tree.ts';

/** Finds by host name in Envoy's order: exact, longest `*suffix`, longest `prefix*`, `*`. */
export interface DomainIndex<T> {
  find(authority: string): T | undefined;
  /** Where a request has no name to look for: what stands under `*`, if that is all there is. */
  readonly nameless: T | undefined;
}

/** Domains with a star at one end, by the rest of their text. */
class Wildcards<T> {
  readonly #tree = new PrefixTree();
  readonly #values: T[] = [];
  readonly #next: typeof nextNode;
  readonly #isSuffix: boolean;

  constructor(isSuffix: boolean) {
    this.#isSuffix = isSuffix;
    this.#next = isSuffix ? previousNode : nextNode;
  }

  get empty(): boolean {
    return this.#values.length === 0;
  }

  /** False: the text is there already. */
  add(text: string, value: T): boolean {
    const key = this.#isSuffix ? text.split('').reverse().join('') : text;
    const positions = this.#tree.listOf(key, false, this.#values.length);
    if (positions.length > 0) return false;
    positions.push(this.#values.length);
    this.#values.push(value);
    return true;
  }

  /** The star stands for at least one character. */
  findLongest(host: string): T | undefined {
    const next = this.#next;
    let best: number | undefined;
    for (let node: TreeNode | undefined = this.#tree.root; node && node.depth < host.length; node = next(node, host)) {
      if (node.plain) best = node.plain[0];
    }
    return best === undefined ? undefined : this.#values[best];
  }
}

export function buildDomains<T extends { readonly domains: readonly string[] }>(
  hosts: readonly T[],
  table: string,
  fields: Fields,
): DomainIndex<T> {
  const exact = new Map<string, T>();
  const suffixes = new Wildcards<T>(true);
  const prefixes = new Wildcards<T>(false);
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
      } else if (domain.startsWith('*')) {
        if (!suffixes.add(domain.slice(1), host)) duplicate(domain);
      } else if (domain.endsWith('*')) {
        if (!prefixes.add(domain.slice(0, -1), host)) duplicate(domain);
      } else if (exact.has(domain)) duplicate(domain);
      else exact.set(domain, host);
    }
  }
  if (exact.size === 0 && suffixes.empty && prefixes.empty) return { nameless: any, find: () => any };
  const search = (authority: string): T | undefined => {
    const name = lowerAscii(authority);
    return exact.get(name) ?? suffixes.findLongest(name) ?? prefixes.findLongest(name) ?? any;
  };
  // Requests that follow each other mostly name the same host.
  let last = '';
  let found = search(last);
  const find = (authority: string): T | undefined => {
    if (authority !== last) {
      found = search(authority);
      last = authority;
    }
    return found;
  };
  return { nameless: undefined, find };
}
