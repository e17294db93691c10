import type { TlsContext } from '../model/cilium/index.ts';
import type { Direction, FilterTls, PolicyFilter } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { httpListenerName } from './http-listeners.ts';

/** TLS contexts that rules of one direction have in common: connections of these rules have a listener of their own. */
export interface Interception {
  /** Of the listener. */
  readonly name: string;
  readonly direction: Direction;
  readonly tls: FilterTls;
  /** What server names may be asked for, as Envoy matches them (`*.a.b` is any name below); undefined: any, or none. */
  readonly serverNames: readonly string[] | undefined;
}

/** The listener for HTTP inside of TLS that a filter leads to. Names of users' listeners have no colon before their second slash. */
export function interceptionName(direction: Direction, { terminating, originating }: FilterTls): string {
  const further = originating ? `,${contextText(originating)}` : '';
  return `${httpListenerName(direction)}/tls:${contextText(terminating)}${further}`;
}

/** Whether a listener is one that policy sends requests to, plain or inside of TLS. */
export function isHttpListener(name: string, direction: Direction): boolean {
  const base = httpListenerName(direction);
  return name === base || name.startsWith(`${base}/tls:`);
}

/** `namespace/name`, and in brackets the entries that are named. */
export function contextText({ secret, trustedCA, certificate, privateKey }: TlsContext): string {
  const named = Object.entries({ trustedCA, certificate, privateKey }).filter(([, key]) => key !== undefined);
  const entries = named.map(([field, key]) => `${field}=${key}`).join(' ');
  return `${secret.namespace}/${secret.name}${entries === '' ? '' : `[${entries}]`}`;
}

/** Each once, sorted by name. */
export function interceptionsOf(groups: readonly EndpointGroup[]): readonly Interception[] {
  const filters = groups.flatMap(({ policy }) => policy.filters.filter(({ tls }) => tls));
  const byName = Map.groupBy(new Set(filters), ({ direction, tls }) => (tls ? interceptionName(direction, tls) : ''));
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, own]) => {
      const [first] = own;
      return first?.tls ? [{ name, direction: first.direction, tls: first.tls, serverNames: namesOf(own) }] : [];
    });
}

/** A hello with another name is refused before the handshake; which of them a client may ask for is judged request by request. */
function namesOf(filters: readonly PolicyFilter[]): readonly string[] | undefined {
  const patterns = filters.flatMap(({ serverNames }) => serverNames ?? ['*']);
  const names = new Set(patterns.map(wholeLabels));
  return names.has('') ? undefined : [...names].sort();
}

/** The narrowest name that covers a pattern: Envoy knows wildcards for whole labels at the beginning alone. Empty: every name. */
function wholeLabels(pattern: string): string {
  const labels = pattern.toLowerCase().split('.');
  const last = labels.findLastIndex((label) => label.includes('*'));
  if (last < 0) return labels.join('.');
  const rest = labels.slice(last + 1);
  return rest.length === 0 ? '' : ['*', ...rest].join('.');
}
