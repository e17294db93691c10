import type { BoundFilter, FilterKind } from '../filter.ts';
import { readProcess } from './config.ts';
import { overridden, type ProcessOverride, readProcessOverride } from './per-route.ts';
import { ProcessRun } from './run.ts';

const TYPE = 'envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor';

/** `envoy.filters.http.ext_proc`: shows requests and responses to a server, which may change or answer them. */
export const extProcFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const own = readProcess(fields, context);
    return {
      type: TYPE,
      bind: (overrides): BoundFilter | undefined => {
        const levels = overrides as readonly ProcessOverride[];
        if (levels[0]?.disabled) return undefined;
        const config = overridden(
          own,
          levels.filter(({ disabled }) => !disabled),
        );
        return { begin: (stream, control) => new ProcessRun(stream, control, config, context.calls) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute',
  readRoute: (fields) => readProcessOverride(fields),
};
