import type { BoundFilter, FilterKind } from '../filter.ts';
import { readAuthz } from './config.ts';
import { type AuthzOverride, readAuthzOverride } from './per-route.ts';
import { AuthzRun } from './run.ts';

const TYPE = 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz';

/** `envoy.filters.http.ext_authz`: asks a server whether a request may go on. */
export const extAuthzFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const config = readAuthz(fields, context);
    return {
      type: TYPE,
      bind: (overrides): BoundFilter | undefined => {
        const levels = overrides as readonly AuthzOverride[];
        const [nearest] = levels;
        if (nearest?.disabled) return undefined;
        const plan = {
          config,
          service: nearest?.service ?? config.service,
          // Of a key that several levels give, the most specific counts.
          extensions: Object.assign({}, ...levels.map(({ extensions }) => extensions).reverse()),
          buffer: nearest?.bodyless ? undefined : (nearest?.buffer ?? config.buffer),
          calls: context.calls,
          recorded: nearest?.recorded ?? config.recorded,
        };
        return { begin: (stream, control) => new AuthzRun(stream, control, plan) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
  readRoute: (fields) => readAuthzOverride(fields),
};
