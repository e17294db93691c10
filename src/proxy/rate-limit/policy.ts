import { type Fields, isObject } from '../config/fields.ts';
import type { FilterStream } from '../filter/filter.ts';
import { readText } from '../format/format-string.ts';
import { textOf } from '../format/line.ts';
import { readMetadataKey } from '../match/metadata.ts';
import { type DescriptorProducer, readAction } from './action.ts';
import {
  type Descriptor,
  type DescriptorEntry,
  type HeaderOption,
  LIMIT_UNITS,
  type ToldDescriptor,
} from './descriptor.ts';

const MAX_HITS = 1_000_000_000;

/** One `envoy.config.route.v3.RateLimit`: the descriptor it makes of a request. */
export interface RateLimitPolicy {
  readonly stage: number;
  /** Local limits pass it over. */
  readonly disabled: boolean;
  /** A service is not asked where the runtime says so under this key; empty: it always is. */
  readonly disableKey: string;
  /** A service is told when the request is over. */
  readonly later: boolean;
  /** What the request counts as; undefined where one of the actions has nothing to say. */
  describe(stream: FilterStream): Descriptor | undefined;
  /** The same for a rate limit service. */
  tell(stream: FilterStream): ToldDescriptor | undefined;
  readonly option: HeaderOption;
}

/** Where a policy stands: in a filter stages and keys have no place, and limits of its own not in one that limits by itself. */
type Place = 'route' | 'filter' | 'local filter';

/** Reads `rate_limits` of a route or virtual host. */
export function readRateLimits(fields: Fields): readonly RateLimitPolicy[] {
  return fields.list('rate_limits', (inner) => readRateLimit(inner, 'route'));
}

export function readRateLimit(fields: Fields, place: Place): RateLimitPolicy {
  const stage = fields.number('stage');
  const disableKey = fields.text('disable_key');
  const embedded = place !== 'route';
  if (embedded && (stage !== undefined || disableKey !== '')) {
    fields.problem('', "'stage' field and 'disable_key' field are not supported");
  }
  if (place === 'local filter' && fields.has('limit')) fields.problem('limit', "'limit' field is not supported");
  const limit = fields.message('limit', readLimit);
  const option = fields.choice<HeaderOption>('x_ratelimit_option', ['UNSPECIFIED', 'OFF', 'DRAFT_VERSION_03']);
  const later = fields.flag('apply_on_stream_done');
  const hits = fields.message('hits_addend', readHits);
  const producers = fields.list('actions', readAction).filter((one) => one !== undefined);
  return {
    stage: stage ?? 0,
    disabled: disableKey !== '' || later,
    disableKey,
    later,
    option,
    describe: (stream) => {
      const entries = entriesOf(producers, stream);
      const { count: countHits, negative } = hits ?? ONE_HIT;
      const count = entries && countHits(stream);
      if (!entries || count === undefined) return undefined;
      return { entries, hits: count, negative, option };
    },
    tell: (stream) => {
      const entries = entriesOf(producers, stream);
      // As in Envoy those of routes say nothing of hits to a service.
      const told = embedded ? hits : undefined;
      const count = entries && told?.count(stream);
      if (!entries || (told && count === undefined)) return undefined;
      return { entries, hits: count, negative: told?.negative ?? false, limit: limit?.(stream), option };
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

/** Reads an `envoy.config.route.v3.RateLimit.Override`: a limit that filters before noted as `{requests_per_unit, unit}`. */
function readLimit(fields: Fields): (stream: FilterStream) => ToldDescriptor['limit'] {
  const kind = fields.oneOf('override_specifier', ['dynamic_metadata']);
  const lookUp = kind && fields.message(kind, (inner) => inner.message('metadata_key', readMetadataKey));
  if (kind && !lookUp) fields.problem(`${kind}.metadata_key`, 'value is required');
  return (stream) => {
    const noted = lookUp?.(stream);
    if (!isObject(noted)) return undefined;
    const { requests_per_unit: requests, unit: name } = noted;
    const unit = LIMIT_UNITS.find((one) => one === name);
    if (typeof requests !== 'number' || !Number.isInteger(requests) || requests < 0 || !unit) return undefined;
    return { requests: requests >>> 0, unit };
  };
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
