import { compileRe2, type Re2 } from '../../base/index.ts';
import type { Fields } from '../config/fields.ts';
import { readStringMatcher, type StringTest } from '../match/strings.ts';
import { extractTags, type Tagged, type TagRule, tagExtractor } from './tags.ts';

/** What a bootstrap says of its stats. */
export interface StatsSettings {
  /** Milliseconds between two flushes, after which histograms show what came. */
  readonly flushMs: number;
  /** Whether a stat is there at all. */
  readonly keeps: (name: string) => boolean;
  readonly extract: (name: string) => Tagged;
  /** Upper bounds of a histogram's buckets; undefined: Envoy's own. */
  readonly boundsOf: (name: string) => readonly number[] | undefined;
}

const FLUSH_MS = 5000;

export const PLAIN_STATS: StatsSettings = {
  flushMs: FLUSH_MS,
  keeps: () => true,
  extract: extractTags,
  boundsOf: () => undefined,
};

/** Reads an `envoy.config.metrics.v3.StatsConfig`. */
export function readStatsConfig(fields: Fields): Omit<StatsSettings, 'flushMs'> {
  const usesDefaults = fields.boolean('use_all_default_tags') ?? true;
  const own = fields.list('stats_tags', readTag).filter((tag) => tag !== undefined);
  const keeps = fields.message('stats_matcher', readMatcher) ?? PLAIN_STATS.keeps;
  const buckets = fields.list('histogram_bucket_settings', readBuckets);
  return {
    keeps,
    extract: own.length === 0 && usesDefaults ? extractTags : tagExtractor(own, usesDefaults),
    boundsOf: (name) => buckets.find(({ test }) => test(name))?.bounds,
  };
}

/** The first group of the expression goes out of the name; the second, or the first where there is only one, is the value. */
function readTag(fields: Fields): TagRule | undefined {
  const tag = fields.text('tag_name');
  switch (fields.oneOf('tag_value', ['regex', 'fixed_value'])) {
    case 'fixed_value': {
      const value = fields.text('fixed_value');
      return { tag, find: () => ({ value, from: 0, to: 0 }) };
    }
    case 'regex': {
      const regex = compileRe2(fields.text('regex'));
      if (regex.ok) return { tag, find: (name) => findGroup(regex.value, name) };
      fields.problem('regex', regex.error, 'an RE2 expression');
      return undefined;
    }
    default:
      return undefined;
  }
}

function findGroup(regex: Re2, name: string): ReturnType<TagRule['find']> {
  const match = regex.matcher(name);
  if (!match.find() || match.groupCount() === 0) return undefined;
  const [from, to] = [match.start(1), match.end(1)];
  return { value: (match.groupCount() > 1 ? match.group(2) : name.slice(from, to)) ?? '', from, to };
}

function readMatcher(fields: Fields): (name: string) => boolean {
  switch (fields.oneOf('stats_matcher', ['reject_all', 'exclusion_list', 'inclusion_list'])) {
    case 'reject_all': {
      const reject = fields.flag('reject_all');
      return () => !reject;
    }
    case 'exclusion_list': {
      const tests = fields.message('exclusion_list', readTests) ?? [];
      return (name) => !tests.some((test) => test(name));
    }
    case 'inclusion_list': {
      const tests = fields.message('inclusion_list', readTests) ?? [];
      return (name) => tests.some((test) => test(name));
    }
    default:
      return PLAIN_STATS.keeps;
  }
}

const readTests = (fields: Fields): readonly StringTest[] => fields.list('patterns', readStringMatcher);

function readBuckets(fields: Fields): { readonly test: StringTest; readonly bounds: readonly number[] } {
  const test = fields.message('match', readStringMatcher) ?? (() => false);
  return { test, bounds: [...new Set(fields.numbers('buckets'))].sort((left, right) => left - right) };
}
