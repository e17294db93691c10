import { formatCidr } from '../../base/index.ts';
import type { ChainMatch } from './chain-match.ts';

/** Combinations of criteria that one listener's chains may have in all. */
const MAX_LEAVES = 1_000_000;

/**
 * The first chain that matches something an earlier one matches with the same criteria, as Envoy finds it: each combination of one value
 * per criterion may stand in one chain only. Also the first chain whose combinations are too many.
 */
export function overlappingChain(
  matches: readonly ChainMatch[],
): { readonly index: number; readonly kind: 'overlap' | 'too many' } | undefined {
  const seen = new Set<string>();
  for (const [index, match] of matches.entries()) {
    const criteria = criteriaOf(match);
    const count = criteria.reduce((product, values) => product * values.length, 1);
    if (seen.size + count > MAX_LEAVES) return { index, kind: 'too many' };
    for (const leaf of leavesOf(criteria)) {
      if (seen.has(leaf)) return { index, kind: 'overlap' };
      seen.add(leaf);
    }
  }
  return undefined;
}

function criteriaOf(match: ChainMatch): readonly (readonly string[])[] {
  const any = (values: readonly string[]): readonly string[] => (values.length === 0 ? [''] : [...new Set(values)]);
  return [
    [String(match.port ?? '')],
    any(match.destinations.map(formatCidr)),
    any(match.serverNames.map((name) => name.toLowerCase())),
    [match.transport],
    any(match.protocols),
    any(match.directSources.map(formatCidr)),
    [match.sourceType],
    any(match.sources.map(formatCidr)),
    any(match.sourcePorts.map(String)),
  ];
}

function leavesOf(criteria: readonly (readonly string[])[]): readonly string[] {
  return criteria.reduce<readonly string[]>(
    (leaves, values) => leaves.flatMap((leaf) => values.map((value) => `${leaf}|${value}`)),
    [''],
  );
}
