import { compileDnsPattern, normalizeDnsName } from '../base/index.ts';
import type { DnsMatch } from '../model/cilium/index.ts';

/**
 * Whether a name (lower case, trailing dot) matches. `matchName` is exact; in `matchPattern` a `*` stands for characters
 * of one label, a leading `**.` for one or more whole labels, and `*` alone for every name (`pkg/fqdn/matchpattern`).
 */
export function compileDnsMatch({ matchName, matchPattern }: DnsMatch): (name: string) => boolean {
  const exact = matchName === undefined ? undefined : normalizeDnsName(matchName);
  const pattern = matchPattern === undefined ? undefined : compileDnsPattern(matchPattern);
  return (name) => name === exact || (pattern?.(name) ?? false);
}

/** The identity label of a name selector: `fqdn:` and its text. */
export function fqdnLabel({ matchName, matchPattern }: DnsMatch): string {
  return `fqdn:${matchName ?? matchPattern ?? ''}`;
}
