import type { Fields } from '../../config/fields.ts';
import { FLAG } from '../../http/stream-info.ts';
import { readHeaderMatcher } from '../../match/headers.ts';
import { readFraction } from '../../runtime/read.ts';
import type { BoundFilter, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.fault.v3.HTTPFault';
const ALWAYS = { numerator: 0, denominator: 100 };

interface Part {
  readonly value: number;
  readonly share: { readonly numerator: number; readonly denominator: number };
}

function happens({ share }: Part): boolean {
  return Math.random() * share.denominator < share.numerator;
}

function read(fields: Fields): BoundFilter {
  fields.ignore('disable_downstream_cluster_stats', 'delay_percent_runtime', 'abort_percent_runtime');
  const delay = fields.message('delay', (inner): Part => {
    const value = inner.duration('fixed_delay');
    if (value === undefined) inner.problem('fixed_delay', 'value is required');
    return { value: value ?? 0, share: inner.message('percentage', readFraction) ?? ALWAYS };
  });
  const abort = fields.message('abort', (inner): Part => {
    const value = inner.number('http_status');
    if (value === undefined) inner.problem('http_status', 'value is required');
    return { value: value ?? 503, share: inner.message('percentage', readFraction) ?? ALWAYS };
  });
  const tests = fields.list('headers', readHeaderMatcher);
  const cluster = fields.text('upstream_cluster');
  const limit = fields.number('max_active_faults') ?? Number.POSITIVE_INFINITY;
  return faultOf(
    delay,
    abort,
    (stream) => {
      if (cluster !== '' && cluster !== stream.clusterName) return false;
      return tests.every((test) => test(stream.requestLookup));
    },
    limit,
  );
}

function faultOf(
  delay: Part | undefined,
  abort: Part | undefined,
  applies: (stream: FilterStream) => boolean,
  limit: number,
): BoundFilter {
  let active = 0;
  const end = (stream: FilterStream): HeadVerdict => {
    if (!abort || !happens(abort)) return 'continue';
    stream.reply({
      status: abort.value,
      body: 'fault filter abort',
      details: 'fault_filter_abort',
      flags: FLAG.FAULT_INJECTED,
    });
    return 'stop';
  };
  return {
    begin: (stream, control) => {
      let timer: NodeJS.Timeout | undefined;
      const stop = (): void => {
        if (timer === undefined) return;
        clearTimeout(timer);
        timer = undefined;
        active--;
      };
      const head = (): HeadVerdict => {
        if (!applies(stream) || active >= limit) return 'continue';
        if (!delay || !happens(delay)) return end(stream);
        active++;
        stream.flags |= FLAG.DELAY_INJECTED;
        timer = setTimeout(() => {
          stop();
          if (end(stream) === 'continue') control.resumeRequest();
        }, delay.value);
        return 'stop';
      };
      return { request: { head }, onEnd: stop };
    },
  };
}

/** `envoy.filters.http.fault` with fixed delays and aborts. */
export const faultFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields) => {
    const own = read(fields);
    return { type: TYPE, bind: ([override]) => (override as BoundFilter | undefined) ?? own };
  },
  routeType: TYPE,
  readRoute: (fields) => read(fields),
};
