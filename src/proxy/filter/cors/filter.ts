import type { HeaderMap } from '../../http/headers.ts';
import { randomNumber } from '../../runtime/read.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { FilterHooks, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';
import { type CorsPolicy, mergePolicies, readCorsPolicy } from './policy.ts';

const TYPE = 'envoy.extensions.filters.http.cors.v3.Cors';

class CorsStats {
  valid = 0;
  invalid = 0;
}

const STATS = statsKind(CorsStats, { valid: counter('origin_valid'), invalid: counter('origin_invalid') });

/** `envoy.filters.http.cors`. What holds stands on routes alone. */
export const corsFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (_, { stats, statPrefix }) => {
    const counters = stats.get(STATS, `${statPrefix}cors.`);
    return {
      type: TYPE,
      bind: (levels) => {
        const policy = mergePolicies(levels as readonly CorsPolicy[]);
        return policy && { begin: (stream) => hooksOf(stream, policy, counters) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.cors.v3.CorsPolicy',
  readRoute: (fields, { runtime }) => readCorsPolicy(fields, runtime),
};

function hooksOf(stream: FilterStream, policy: CorsPolicy, stats: CorsStats): FilterHooks {
  /** Of a request that the policy allows; empty otherwise. */
  let origin = '';
  return {
    request: {
      head: (): HeadVerdict => {
        // Only requests that a route forwards are judged.
        if (stream.route?.action.kind !== 'forward') return 'continue';
        const enabled = policy.enabled(randomNumber());
        const shadow = policy.shadowEnabled(randomNumber());
        const said = stream.head.headers.get('origin') ?? '';
        if ((!enabled && !shadow) || said === '') return 'continue';
        const allowed = policy.origins.some((test) => test('*') || test(said));
        if (allowed) stats.valid++;
        else stats.invalid++;
        if (!enabled) return 'continue';
        if (allowed) origin = said;
        return preflight(stream, policy, said, allowed);
      },
    },
    response: {
      head: (_, { headers }) => {
        if (origin !== '') allow(headers, policy, origin);
        return 'continue';
      },
    },
  };
}

/** Answers what a browser asks before the request itself. */
function preflight(stream: FilterStream, policy: CorsPolicy, origin: string, allowed: boolean): HeadVerdict {
  const { headers } = stream.head;
  const method = headers.get('access-control-request-method') ?? '';
  if (stream.head.method !== 'OPTIONS' || method === '') return 'continue';
  if (!allowed && (policy.forwardOthers ?? true)) return 'continue';
  const answer: [string, string][] = [];
  if (allowed) answer.push(['access-control-allow-origin', origin]);
  if (policy.credentials) answer.push(['access-control-allow-credentials', 'true']);
  if (policy.methods !== '') {
    answer.push(['access-control-allow-methods', policy.methods === '*' ? method : policy.methods]);
  }
  if (policy.headers !== '') {
    const asked = headers.get('access-control-request-headers') ?? '';
    answer.push(['access-control-allow-headers', policy.headers === '*' ? asked : policy.headers]);
  }
  if (policy.maxAge !== '') answer.push(['access-control-max-age', policy.maxAge]);
  if (policy.privateNetwork && headers.get('access-control-request-private-network') === 'true') {
    answer.push(['access-control-allow-private-network', 'true']);
  }
  stream.reply({ status: 200, body: '', details: 'cors_response', headers: answer, bare: true });
  return 'stop';
}

function allow(headers: HeaderMap, policy: CorsPolicy, origin: string): void {
  headers.set('access-control-allow-origin', origin);
  if (policy.credentials) headers.set('access-control-allow-credentials', 'true');
  if (policy.exposed !== '') headers.set('access-control-expose-headers', policy.exposed);
}
