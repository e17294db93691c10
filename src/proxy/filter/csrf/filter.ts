import type { Fields } from '../../config/fields.ts';
import { parseAbsolute } from '../../http/authority.ts';
import type { RequestHead } from '../../http/head.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import { type Chance, randomNumber, readRuntimeFraction } from '../../runtime/read.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { RouteFilterContext } from '../context.ts';
import type { FilterKind, FilterStream, HeadVerdict } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.csrf.v3.CsrfPolicy';

class CsrfStats {
  missing = 0;
  invalid = 0;
  valid = 0;
}

const STATS = statsKind(CsrfStats, {
  missing: counter('missing_source_origin'),
  invalid: counter('request_invalid'),
  valid: counter('request_valid'),
});

/** A compiled `envoy.extensions.filters.http.csrf.v3.CsrfPolicy`. */
interface CsrfPolicy {
  readonly enabled: Chance;
  /** Requests are judged and counted, and go on. */
  readonly shadowEnabled: Chance;
  /** Hosts with their ports from which requests may come, too. */
  readonly origins: readonly StringTest[];
}

/** `envoy.filters.http.csrf`: what changes something must come from a page of the host that it goes to. */
export const csrfFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const own = readPolicy(fields, context);
    const stats = context.stats.get(STATS, `${context.statPrefix}csrf.`);
    return {
      type: TYPE,
      bind: ([override]) => {
        const policy = (override as CsrfPolicy | undefined) ?? own;
        return { shared: { request: { head: (stream) => judge(stream, policy, stats) } } };
      },
    };
  },
  routeType: TYPE,
  readRoute: readPolicy,
};

function readPolicy(fields: Fields, { runtime }: RouteFilterContext): CsrfPolicy {
  const enabled = fields.message('filter_enabled', (inner) => readRuntimeFraction(inner, runtime));
  if (!enabled) fields.problem('filter_enabled', 'value is required');
  return {
    enabled: enabled ?? (() => true),
    shadowEnabled: fields.message('shadow_enabled', (inner) => readRuntimeFraction(inner, runtime)) ?? (() => false),
    origins: fields.list('additional_origins', readStringMatcher),
  };
}

const CHANGING: ReadonlySet<string> = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

function judge(stream: FilterStream, policy: CsrfPolicy, stats: CsrfStats): HeadVerdict {
  const { head } = stream;
  if (!CHANGING.has(head.method)) return 'continue';
  const enabled = policy.enabled(randomNumber());
  if (!enabled && !policy.shadowEnabled(randomNumber())) return 'continue';
  const source = sourceOf(head);
  if (source === '') stats.missing++;
  else if (source === targetOf(head) || policy.origins.some((test) => test(source))) {
    stats.valid++;
    return 'continue';
  } else stats.invalid++;
  if (!enabled) return 'continue';
  stream.reply({ status: 403, body: 'Invalid origin', details: 'csrf_origin_mismatch' });
  return 'stop';
}

/** The host of the page that the request comes from; empty: it does not say. */
function sourceOf({ headers }: RequestHead): string {
  const origin = headers.joined('origin') ?? '';
  // A browser that will not tell says so: no referer speaks for it.
  if (origin === 'null') return '';
  return hostAndPort(origin || (headers.joined('referer') ?? ''));
}

function targetOf({ scheme, authority }: RequestHead): string {
  return authority === '' ? '' : hostAndPort(`${scheme}://${authority}`);
}

/** Of an absolute URL; any other text is what it is. */
function hostAndPort(text: string): string {
  return parseAbsolute(text)?.authority ?? text;
}
