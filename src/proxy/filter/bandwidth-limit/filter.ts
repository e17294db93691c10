import type { Fields } from '../../config/fields.ts';
import { HeaderMap } from '../../http/headers.ts';
import { readRuntimeFlag } from '../../runtime/read.ts';
import type { RouteFilterContext } from '../context.ts';
import type { BoundFilter, FilterControl, FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import { ByteBucket } from './bucket.ts';
import { Limited } from './limited.ts';
import { BANDWIDTH_STATS, type LimitStats, requestStats, responseStats } from './stats.ts';

const TYPE = 'envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit';
const MODES = ['DISABLED', 'REQUEST', 'RESPONSE', 'REQUEST_AND_RESPONSE'] as const;

/** A compiled `envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit`, of a chain or a route. */
interface BandwidthLimit {
  readonly requests: boolean;
  readonly responses: boolean;
  /** All messages share it, in both directions. */
  readonly bucket: ByteBucket;
  /** Milliseconds. */
  readonly interval: number;
  readonly enabled: () => boolean;
  readonly stats: LimitStats;
  /** What stands before the names of trailers that tell of delays; undefined: there are no such trailers. */
  readonly trailerPrefix: string | undefined;
}

/** `envoy.filters.http.bandwidth_limit`. */
export const bandwidthLimitFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const own = readLimit(fields, context);
    return { type: TYPE, bind: ([override]) => bind((override as BandwidthLimit | undefined) ?? own) };
  },
  routeType: TYPE,
  readRoute: (fields, context) => {
    if (!fields.has('limit_kbps')) fields.problem('limit_kbps', 'limit must be set for per route filter config');
    return readLimit(fields, context);
  },
};

function readLimit(fields: Fields, { runtime, stats }: RouteFilterContext): BandwidthLimit {
  const mode = fields.choice('enable_mode', MODES);
  const interval = fields.duration('fill_interval') ?? 50;
  if (interval < 20 || interval > 1000) fields.problem('fill_interval', 'value must be inside range [20ms, 1s]');
  const kibibytes = fields.number('limit_kbps');
  if (kibibytes !== undefined && kibibytes < 1)
    fields.problem('limit_kbps', 'value must be greater than or equal to 1');
  const prefix = fields.text('response_trailer_prefix').toLowerCase();
  const tells = fields.flag('enable_response_trailers');
  return {
    requests: mode === 'REQUEST' || mode === 'REQUEST_AND_RESPONSE',
    responses: mode === 'RESPONSE' || mode === 'REQUEST_AND_RESPONSE',
    bucket: new ByteBucket((kibibytes ?? 0) * 1024, interval),
    interval,
    enabled: fields.message('runtime_enabled', (inner) => readRuntimeFlag(inner, runtime)) ?? (() => true),
    stats: stats.get(BANDWIDTH_STATS, `${fields.required('stat_prefix')}.http_bandwidth_limit.`),
    trailerPrefix: tells ? `${prefix === '' ? '' : `${prefix}-`}bandwidth-` : undefined,
  };
}

function bind(limit: BandwidthLimit): BoundFilter | undefined {
  if (!limit.requests && !limit.responses) return undefined;
  return { begin: (stream, control) => hooksOf(stream, control, limit) };
}

interface Delay {
  readonly took: number;
  readonly waited: number;
}

const NO_DELAY: Delay = { took: 0, waited: 0 };

function hooksOf(stream: FilterStream, control: FilterControl, limit: BandwidthLimit): FilterHooks {
  const { bucket, interval, stats, enabled } = limit;
  let request: Limited | undefined;
  let response: Limited | undefined;
  let requestDelay = NO_DELAY;
  const limitRequest = (): Limited =>
    new Limited({
      bucket,
      interval,
      stats: requestStats(stats),
      release: (bytes) => control.releaseRequest(bytes),
      done: (took, waited) => {
        requestDelay = { took, waited };
      },
    });
  const limitResponse = (): Limited =>
    new Limited({
      bucket,
      interval,
      stats: responseStats(stats),
      release: (bytes) => control.releaseResponse(bytes),
      done: (took, waited) => {
        if (limit.trailerPrefix !== undefined) tell(stream, limit.trailerPrefix, requestDelay, { took, waited });
      },
    });
  return {
    request: {
      head: () => {
        if (limit.requests && enabled()) request = limitRequest();
        return 'continue';
      },
      body: (_, piece) => request?.onBody(piece) ?? 'continue',
    },
    response: {
      head: () => {
        if (limit.responses && enabled()) response = limitResponse();
        return 'continue';
      },
      body: (_, piece) => response?.onBody(piece) ?? 'continue',
    },
    onEnd: () => {
      request?.stop();
      response?.stop();
    },
  };
}

/** Adds the delays that there were to the trailers of the response. */
function tell(stream: FilterStream, prefix: string, request: Delay, response: Delay): void {
  const trailers = stream.responseTrailers ?? new HeaderMap();
  const put = (name: string, value: number): void => {
    if (value > 0) trailers.set(`${prefix}${name}-delay-ms`, String(value));
  };
  put('request', request.took);
  put('request-filter', request.waited);
  put('response', response.took);
  put('response-filter', response.waited);
  if (trailers.size > 0) stream.responseTrailers = trailers;
}
