import type { Fields } from '../../config/fields.ts';
import type { RouteFilterContext } from '../context.ts';
import type { BoundFilter, FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import { type Rule, readRule, type Source } from './rule.ts';
import { type HeaderToMetadataStats, STATS } from './stats.ts';

const TYPE = 'envoy.extensions.filters.http.header_to_metadata.v3.Config';

interface Config {
  readonly request: readonly Rule[];
  readonly response: readonly Rule[];
  /** Undefined: nothing is counted. */
  readonly stats: HeaderToMetadataStats | undefined;
}

/** `envoy.filters.http.header_to_metadata`: what a route says takes the place of all that the filter says. */
export const headerToMetadataFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const own = readConfig(fields, context);
    return { type: TYPE, bind: ([override]) => bind((override as Config | undefined) ?? own) };
  },
  routeType: TYPE,
  readRoute: (fields, context) => {
    const config = readConfig(fields, context);
    if (config.request.length === 0 && config.response.length === 0) {
      const message = 'Per filter configs must at least specify either request or response rules';
      fields.problem('', `header_to_metadata_filter: ${message}`, 'request_rules, response_rules');
    }
    return config;
  },
};

function readConfig(fields: Fields, { stats }: RouteFilterContext): Config {
  const prefix = fields.text('stat_prefix');
  return {
    request: fields.list('request_rules', readRule),
    response: fields.list('response_rules', readRule),
    stats: prefix === '' ? undefined : stats.get(STATS, `http_filter_name.${prefix}.`),
  };
}

function bind({ request, response, stats }: Config): BoundFilter | undefined {
  if (request.length === 0 && response.length === 0) return undefined;
  const shared: FilterHooks = {
    ...(request.length > 0 && {
      request: {
        head: (stream, { headers }) => {
          const source = { headers, pseudo: (name: string) => stream.requestHeader(name) };
          apply(request, stream, source, stats, 'request');
          return 'continue';
        },
      },
    }),
    ...(response.length > 0 && {
      response: {
        head: (stream, { headers, status }) => {
          const pseudo = (name: string): string | undefined => (name === ':status' ? String(status) : undefined);
          apply(response, stream, { headers, pseudo }, stats, 'response');
          return 'continue';
        },
      },
    }),
  };
  return { shared };
}

const COUNTERS = {
  request: { rules: 'requestRules', added: 'requestAdded', missing: 'requestMissing' },
  response: { rules: 'responseRules', added: 'responseAdded', missing: 'responseMissing' },
} as const;

function apply(
  rules: readonly Rule[],
  stream: FilterStream,
  source: Source,
  stats: HeaderToMetadataStats | undefined,
  side: keyof typeof COUNTERS,
): void {
  const count = (what: keyof HeaderToMetadataStats): void => {
    if (stats) stats[what]++;
  };
  const { rules: counted, added, missing } = COUNTERS[side];
  for (const rule of rules) {
    count(counted);
    const value = rule.find(source);
    if (value === undefined && rule.missing) count(missing);
    const note = value === undefined ? rule.missing : rule.present;
    if (note?.(stream, value ?? '', count)) count(added);
  }
}
