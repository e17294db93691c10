import { type Fields, isObject } from '../../config/fields.ts';
import type { SubsetPolicy, SubsetSelector } from '../balance/policy.ts';

export type SubsetRules = Omit<SubsetPolicy, 'kind' | 'inner'>;

/** An `LbSubsetConfig`, or the `Subset` policy without the policy inside. */
export function readSubsetRules(fields: Fields): SubsetRules {
  const defaultSubset = fields.raw('default_subset');
  const aware = fields.flag('locality_weight_aware');
  const scale = fields.flag('scale_locality_weight');
  return {
    selectors: fields.list('subset_selectors', readSelector),
    fallback: fields.choice('fallback_policy', ['NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET']),
    defaultSubset: isObject(defaultSubset) ? defaultSubset : {},
    localityWeights: aware ? (scale ? 'scaled' : 'same') : 'none',
    panicModeAny: fields.flag('panic_mode_any'),
    listAsAny: fields.flag('list_as_any'),
    fallbackList:
      fields.choice('metadata_fallback_policy', ['METADATA_NO_FALLBACK', 'FALLBACK_LIST']) === 'FALLBACK_LIST',
    allowRedundantKeys: fields.flag('allow_redundant_keys'),
  };
}

function readSelector(fields: Fields): SubsetSelector {
  const keys = [...new Set(fields.strings('keys'))].sort();
  const fallback = fields.choice('fallback_policy', [
    'NOT_DEFINED',
    'NO_FALLBACK',
    'ANY_ENDPOINT',
    'DEFAULT_SUBSET',
    'KEYS_SUBSET',
  ]);
  const fallbackKeys = [...new Set(fields.strings('fallback_keys_subset'))].sort();
  if (fallback === 'KEYS_SUBSET') {
    const within = fallbackKeys.length > 0 && fallbackKeys.every((key) => keys.includes(key));
    if (!within || fallbackKeys.length === keys.length) {
      fields.problem('fallback_keys_subset', `found ${JSON.stringify(fallbackKeys)}`, 'some but not all of keys');
    }
  } else if (fallbackKeys.length > 0) {
    fields.problem('fallback_keys_subset', `cannot be used with ${fallback}`, 'KEYS_SUBSET');
  }
  return { keys, singleHost: fields.flag('single_host_per_subset'), fallback, fallbackKeys };
}
