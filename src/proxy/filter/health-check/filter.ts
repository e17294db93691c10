import type { Fields } from '../../config/fields.ts';
import type { ResponseHead } from '../../http/head.ts';
import { FLAG } from '../../http/stream-info.ts';
import { type HeaderTest, readHeaderMatcher } from '../../match/headers.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import { now } from '../../time/clock.ts';
import type { FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import { AnswerCache } from './cache.ts';
import type { ProxyHealth } from './health.ts';

const TYPE = 'envoy.extensions.filters.http.health_check.v3.HealthCheck';

class HealthCheckStats {
  total = 0;
  failed = 0;
  ok = 0;
  cached = 0;
  clusterNotFound = 0;
  clusterEmpty = 0;
  clusterUnhealthy = 0;
  degraded = 0;
}

const STATS = statsKind(HealthCheckStats, {
  total: counter('request_total'),
  failed: counter('failed'),
  ok: counter('ok'),
  cached: counter('cached_response'),
  clusterNotFound: counter('failed_cluster_not_found'),
  clusterEmpty: counter('failed_cluster_empty'),
  clusterUnhealthy: counter('failed_cluster_unhealthy'),
  degraded: counter('degraded'),
});

interface HealthCheckConfig {
  readonly passThrough: boolean;
  readonly headers: readonly HeaderTest[];
  readonly cache: AnswerCache | undefined;
  /** Percent of usable members that clusters must have. */
  readonly minimums: ReadonlyMap<string, number>;
  readonly stats: HealthCheckStats;
  readonly health: ProxyHealth;
}

/** How a health check ends: status and response code details. */
type Verdict = readonly [status: number, details: string, degraded?: boolean];

const OK: Verdict = [200, 'health_check_ok'];

/** `envoy.filters.http.health_check`: answers requests that ask for the proxy's health. */
export const healthCheckFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix, health }) => {
    const config = { ...readConfig(fields), stats: stats.get(STATS, `${statPrefix}health_check.`), health };
    return { type: TYPE, bind: () => ({ begin: (stream) => hooksOf(stream, config) }) };
  },
};

function readConfig(fields: Fields): Omit<HealthCheckConfig, 'stats' | 'health'> {
  const passThrough = fields.boolean('pass_through_mode');
  if (passThrough === undefined) fields.problem('pass_through_mode', 'value is required');
  const cacheTime = fields.duration('cache_time') ?? 0;
  const minimums = fields.map('cluster_min_healthy_percentages', (percent) => Math.floor(percent.number('value') ?? 0));
  if (!passThrough && cacheTime > 0) {
    fields.problem('cache_time', 'cache_time_ms must not be set when path_through_mode is disabled');
  }
  return {
    passThrough: passThrough ?? false,
    headers: fields.list('headers', readHeaderMatcher),
    cache: cacheTime > 0 ? new AnswerCache(cacheTime, now) : undefined,
    minimums,
  };
}

function hooksOf(stream: FilterStream, config: HealthCheckConfig): FilterHooks {
  const { headers, passThrough, health, cache } = config;
  let asked = false;
  let answers = false;
  return {
    request: {
      head: (_, __, done) => {
        asked = headers.every((test) => test((name) => stream.requestHeader(name)));
        if (!asked) return 'continue';
        stream.healthCheck = true;
        if (passThrough && !health.failed && !cache?.held) return 'continue';
        answers = true;
        if (!done) return 'collect';
        answer(stream, config);
        return 'stop';
      },
      body: (_, piece) => {
        if (!answers) return 'continue';
        piece.bytes = piece.bytes.subarray(0, 0);
        if (piece.done) answer(stream, config);
        return 'buffer';
      },
    },
    response: {
      head: (_, head) => {
        if (asked) mark(stream, head, cache);
        if (health.failed) head.headers.set('x-envoy-immediate-health-check-fail', 'true');
        return 'continue';
      },
    },
  };
}

function mark({ localCluster }: FilterStream, { status, headers }: ResponseHead, cache: AnswerCache | undefined): void {
  cache?.keep({ status, degraded: headers.has('x-envoy-degraded') });
  headers.set('x-envoy-upstream-healthchecked-cluster', localCluster);
}

function answer(stream: FilterStream, config: HealthCheckConfig): void {
  const { stats } = config;
  const [status, details, degraded = false] = judge(config);
  stats.total++;
  const fine = status >= 200 && status < 300;
  if (fine) stats.ok++;
  else stats.failed++;
  if (degraded) stats.degraded++;
  stream.reply({
    status,
    body: '',
    details,
    ...(fine ? {} : { flags: FLAG.FAILED_LOCAL_HEALTH_CHECK }),
    ...(degraded ? { headers: [['x-envoy-degraded', '']] } : {}),
  });
}

function judge({ health, cache, minimums, stats }: HealthCheckConfig): Verdict {
  if (health.failed) return [503, 'health_check_failed'];
  if (cache) {
    stats.cached++;
    return [cache.answer.status, 'health_check_cached', cache.answer.degraded];
  }
  for (const [name, percent] of minimums) {
    const members = health.members(name);
    if (!members) {
      stats.clusterNotFound++;
      return [503, 'health_check_failed_no_cluster_found'];
    }
    if (members.total === 0 && percent > 0) {
      stats.clusterEmpty++;
      return [503, 'health_check_failed_cluster_empty'];
    }
    if (members.usable * 100 < members.total * percent) {
      stats.clusterUnhealthy++;
      return [503, 'health_check_failed_cluster_unhealthy'];
    }
  }
  return minimums.size === 0 ? OK : [200, 'health_check_ok_cluster_healthy'];
}
