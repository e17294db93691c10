import type { Fields } from '../../config/fields.ts';
import type { FilterChain } from '../chain.ts';

/** `envoy.extensions.filters.http.router.v3.Router`. */
export interface RouterConfig {
  /** Each attempt has a span of its own. */
  readonly startChildSpan: boolean;
  readonly suppressHeaders: boolean;
  readonly respectExpectedTimeout: boolean;
  readonly suppressGrpcCodeStats: boolean;
  /** Whether responses are counted by their codes. */
  readonly dynamicStats: boolean;
  /** Request headers that are refused when their value is not of the kind they need. */
  readonly strictHeaders: readonly StrictHeader[];
  /** Filters of clusters that have none of their own, without the codec. */
  readonly upstreamFilters: FilterChain | undefined;
}

const STRICT_HEADERS = [
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-max-retries',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
] as const;
export type StrictHeader = (typeof STRICT_HEADERS)[number];

export const DEFAULT_ROUTER: RouterConfig = {
  startChildSpan: false,
  suppressHeaders: false,
  respectExpectedTimeout: false,
  suppressGrpcCodeStats: false,
  dynamicStats: true,
  strictHeaders: [],
  upstreamFilters: undefined,
};

export function readRouter(fields: Fields, upstreamFilters: FilterChain | undefined): RouterConfig {
  return {
    startChildSpan: fields.flag('start_child_span'),
    suppressHeaders: fields.flag('suppress_envoy_headers'),
    respectExpectedTimeout: fields.flag('respect_expected_rq_timeout'),
    suppressGrpcCodeStats: fields.flag('suppress_grpc_request_failure_code_stats'),
    dynamicStats: fields.boolean('dynamic_stats') ?? true,
    strictHeaders: fields.strings('strict_check_headers').flatMap((name, index) => {
      const known = STRICT_HEADERS.find((one) => one === name);
      if (!known) {
        fields.problem(`strict_check_headers[${index}]`, `found ${JSON.stringify(name)}`, STRICT_HEADERS.join(', '));
      }
      return known ?? [];
    }),
    upstreamFilters,
  };
}
