import type { Fields } from '../config/fields.ts';
import type { FilterStream } from '../filter/filter.ts';
import { readText } from '../format/format-string.ts';
import { textOf } from '../format/line.ts';
import { type DescriptorProducer, readAction } from './action.ts';
import type { Descriptor, DescriptorEntry, HeaderOption } from './descriptor.ts';

const MAX_HITS = 1_000_000_000;

/** One `envoy.config.route.v3.RateLimit`: the descriptor it makes of a request. */
export interface RateLimitPolicy {
  readonly stage: number;
  readonly disabled: boolean;
  /** What the request counts as; undefined where one of the actions has nothing to say. */
  describe(stream: FilterStream): Descriptor | undefined;
  readonly option: HeaderOption;
}

/** Reads `rate_limits` of a route or virtual host. */
export function readRateLimits(fields: Fields): readonly RateLimitPolicy[] {
  return fields.list('rate_limits', (inner) => readRateLimit(inner, false));
}

/** `embedded`: it stands in a filter, where stages and overrides have no place. */
export function readRateLimit(fields: Fields, embedded: boolean): RateLimitPolicy {
  const stage = fields.number('stage');
  const disableKey = fields.text('disable_key');
  if (embedded && (stage !== undefined || disableKey !== '')) {
    fields.problem('', "'stage' field and 'disable_key' field are not supported");
  }
  if (embedded && fields.has('limit')) fields.problem('limit', "'limit' field is not supported");
  // What a global rate limit service is told; here it has no effect.
  fields.ignore('limit');
  const option = fields.choice<HeaderOption>('x_ratelimit_option', ['UNSPECIFIED', 'OFF', 'DRAFT_VERSION_03']);
  const later = fields.flag('apply_on_stream_done');
  const hits = fields.message('hits_addend', readHits) ?? ONE_HIT;
  const producers = fields.list('actions', readAction).filter((one) => one !== undefined);
  return {
    stage: stage ?? 0,
    disabled: disableKey !== '' || later,
    option,
    describe: (stream) => {
      const entries = entriesOf(producers, stream);
      const count = entries && hits.count(stream);
      if (!entries || count === undefined) return undefined;
      return { entries, hits: count, negative: hits.negative, option };
    },
  };
}

function entriesOf(producers: readonly DescriptorProducer[], stream: FilterStream): DescriptorEntry[] | undefined {
  const entries: DescriptorEntry[] = [];
  for (const produce of producers) {
    const entry = produce(stream);
    if (entry === undefined) return undefined;
    if (entry !== 'skip') entries.push(entry);
  }
  return entries;
}

interface Hits {
  readonly negative: boolean;
  /** Undefined where the format gives no number. */
  readonly count: (stream: FilterStream) => number | undefined;
}

const ONE_HIT: Hits = { negative: false, count: () => 1 };

function readHits(fields: Fields): Hits {
  const negative = fields.flag('is_negative_hits');
  const number = fields.number('number');
  const format = fields.text('format');
  if ((number === undefined) === (format === '')) {
    fields.problem('', 'hits_addend must contain either a format or a number');
  }
  if (number !== undefined) return { negative, count: () => number };
  if (!/^%[^%]*%$/.test(format)) {
    fields.problem('format', 'hits_addend format must contain exactly one substitution');
    return ONE_HIT;
  }
  const text = textOf(readText(fields, 'format', format, true));
  return { negative, count: (stream) => hitsOf(text(stream)) };
}

function hitsOf(text: string): number | undefined {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return number >= 0 && number <= MAX_HITS ? Math.trunc(number) : undefined;
}
