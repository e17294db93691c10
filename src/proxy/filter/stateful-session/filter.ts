import type { Fields } from '../../config/fields.ts';
import { FLAG } from '../../http/stream-info.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { StatsScope } from '../../stats/store.ts';
import type { FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import { readSessionState, type SessionState } from './state.ts';

const TYPE = 'envoy.extensions.filters.http.stateful_session.v3.StatefulSession';

/** Counters under `stateful_session.<prefix>.`. */
class SessionStats {
  routed = 0;
  failedOpen = 0;
  failedClosed = 0;
  noSession = 0;
}

const STATS = statsKind(SessionStats, {
  routed: counter('routed'),
  failedOpen: counter('failed_open'),
  failedClosed: counter('failed_closed'),
  noSession: counter('no_session'),
});

interface Session {
  /** Undefined: no request has a session. */
  readonly state: SessionState | undefined;
  /** Undefined: nobody counts. */
  readonly counters: SessionStats | undefined;
  readonly strict: boolean;
  /** Of the answer where the host of a strict session is not to be had. */
  readonly status: number;
}

/** `envoy.filters.http.stateful_session`: requests of a session go to the host that had its first one. */
export const statefulSessionFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix }) => {
    const own = readSession(fields, stats, statPrefix);
    return {
      type: TYPE,
      bind: ([override]) => {
        const session = override === undefined ? own : (override as { readonly session: Session | undefined }).session;
        return session && { begin: () => hooksOf(session) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute',
  readRoute: (fields, { stats }) => {
    if (fields.oneOf('override', ['disabled', 'stateful_session']) !== 'stateful_session')
      return { session: undefined };
    return { session: fields.message('stateful_session', (inner) => readSession(inner, stats, '')) };
  },
};

function readSession(fields: Fields, stats: StatsScope, statPrefix: string): Session {
  const prefix = fields.text('stat_prefix');
  const strict = fields.flag('strict');
  const status = fields.number('status_on_strict_destination_not_found') ?? 0;
  return {
    state: fields.message('session_state', readSessionState),
    counters: prefix === '' ? undefined : stats.get(STATS, `${statPrefix}stateful_session.${prefix}.`),
    strict,
    status: strict && status !== 0 ? status : 503,
  };
}

function hooksOf({ state, counters, strict, status }: Session): FilterHooks {
  let covered = false;
  let wanted: string | undefined;
  return {
    request: {
      head: (stream, head) => {
        if (!state?.covers(head.path)) return 'continue';
        covered = true;
        wanted = state.address(head.headers);
        if (wanted !== undefined) stream.overrideHost = { address: wanted, strict, status };
        return 'continue';
      },
    },
    response: {
      head: (stream, head) => {
        const host = stream.upstreamHost?.name;
        if (covered && host !== undefined && host !== wanted) state?.tell(head.headers, host);
        if (counters) count(counters, stream, { covered, strict, moved: host !== wanted });
        return 'continue';
      },
    },
  };
}

function count(
  counters: SessionStats,
  { upstreamHost, flags }: FilterStream,
  { covered, strict, moved }: { readonly covered: boolean; readonly strict: boolean; readonly moved: boolean },
): void {
  if (!covered) {
    if (upstreamHost) counters.noSession++;
  } else if (upstreamHost) {
    if (!moved) counters.routed++;
    else if (!strict) counters.failedOpen++;
  } else if (strict && (flags & FLAG.NO_HEALTHY_UPSTREAM) !== 0) counters.failedClosed++;
}
