import type { Fields } from '../../config/fields.ts';
import { isObject, type JsonObject } from '../../config/fields.ts';
import { FLAG } from '../../http/stream-info.ts';
import { sanitizeStatName } from '../../stats/store.ts';
import type { BoundFilter, FilterKind } from '../filter.ts';
import { earlyHooks } from './early.ts';
import { moduleLog } from './log.ts';
import { type LoadedModule, MODULE_TYPE, type ModuleUse } from './modules.ts';
import { ModuleRun } from './run.ts';
import type { RunSettings } from './settings.ts';
import { MODULE_STATS } from './stats.ts';

const PER_ROUTE_TYPE = 'ciliate.filters.http.module.v1.ModulePerRoute';

const DEFAULT_TIMEOUT = 5_000;
const MAX_TIMEOUT = 300_000;
const DEFAULT_BODY = 1_048_576;
const MAX_BODY = 67_108_864;

/** A filter that users write in TypeScript or JavaScript; see docs/filter-modules.md. */
export const moduleFilter: FilterKind = {
  type: MODULE_TYPE,
  upstream: false,
  read: (fields, { modules, stats, filterName }) => {
    const moduleStats = stats.get(MODULE_STATS, `http_filter_module.${sanitizeStatName(filterName)}.`);
    const settings: RunSettings = {
      filterName,
      stats: moduleStats,
      log: moduleLog(modules.log, filterName, moduleStats),
      timeout: bounded(
        fields,
        'timeout',
        fields.duration('timeout'),
        DEFAULT_TIMEOUT,
        MAX_TIMEOUT,
        'a duration up to "300s"',
      ),
      maxBody: bounded(
        fields,
        'max_body_bytes',
        fields.number('max_body_bytes'),
        DEFAULT_BODY,
        MAX_BODY,
        `1 to ${MAX_BODY}`,
      ),
      open: fields.flag('failure_mode_allow'),
    };
    const raw = readConfig(fields);
    const name = fields.required('module');
    const found = name === '' ? undefined : modules.get(name);
    if (found && !found.ok)
      fields.problem('module', `cannot load ${JSON.stringify(name)}: ${found.error}`, modules.allowed);
    if (!found?.ok) return undefined;
    const use = found.value.use(raw, moduleStats);
    if (!use.ok) {
      fields.problem('config', `${name} refuses it: ${use.error}`);
      return undefined;
    }
    return {
      type: MODULE_TYPE,
      bind: ([override]) =>
        override === undefined
          ? bind(use.value, settings)
          : bindOverride(found.value, override as JsonObject, settings),
    };
  },
  routeType: PER_ROUTE_TYPE,
  readRoute: readConfig,
};

function readConfig(fields: Fields): JsonObject {
  const raw = fields.raw('config');
  return isObject(raw) ? raw : {};
}

function bounded(
  fields: Fields,
  key: string,
  value: number | undefined,
  fallback: number,
  most: number,
  allowed: string,
): number {
  if (value === undefined) return fallback;
  if (value > 0 && value <= most) return value;
  fields.problem(key, `found ${JSON.stringify(fields.raw(key))}`, allowed);
  return fallback;
}

function bind(use: ModuleUse, shared: RunSettings): BoundFilter {
  // An object of this place in a chain: runs that wait are kept by it.
  const settings = { ...shared };
  return {
    begin: (stream, control) => {
      const known = stream.kept(settings);
      const { filter, config } = use;
      const run = known instanceof ModuleRun ? known : new ModuleRun(stream, { filter, config, settings });
      return run.place(control);
    },
    ...earlyHooks(use, settings),
  };
}

/** The configuration of a route is shown to the module when the first request for it comes; what it refuses lets none pass. */
function bindOverride(module: LoadedModule, raw: JsonObject, settings: RunSettings): BoundFilter {
  const use = module.use(raw, settings.stats);
  if (use.ok) return bind(use.value, settings);
  const error = `the configuration of a route: ${use.error}`;
  const details = `module_config_error[${settings.filterName.replaceAll(/\s/g, '_')}]`;
  return {
    shared: {
      request: {
        head: (stream) => {
          settings.stats.errors++;
          settings.log.error(error);
          stream.reply({ status: 500, body: '', details, flags: FLAG.NO_FILTER_CONFIG });
          return 'stop';
        },
      },
    },
  };
}
