import {
  compileFieldMask,
  type Filters,
  invalidArgument,
  type PrinterOptions,
  timeFormatNames,
} from '../../../hubble/index.ts';
import type { GetFlowsRequest, Uint64 } from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';
import { parseTime } from './time.ts';

/** The flags of `observe` that are no filters, as commander gives them. */
export interface ObserveFlags {
  readonly all?: boolean;
  readonly first?: string;
  readonly last?: string;
  readonly follow?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly output: string;
  readonly printNodeName?: boolean;
  readonly printPolicyNames?: boolean;
  readonly printRawFilters?: boolean;
  readonly timeFormat: string;
  readonly color: string;
  readonly ipTranslation: string | boolean;
  readonly numeric?: boolean;
  readonly silentErrors?: boolean;
  readonly inputFile?: string;
  readonly fieldMask?: string;
  readonly useDefaultFieldMasks?: boolean;
  readonly debug?: boolean;
}

const everything = '18446744073709551615';
/** How many are shown when nothing says how many. */
export const defaultLast = 20;

/** The part of a request that says which flows, in the order of time. */
export interface Selectors {
  readonly number: Uint64;
  readonly first: boolean;
  readonly follow: boolean;
  readonly since: GetFlowsRequest['since'];
  readonly until: GetFlowsRequest['until'];
}

/** Checks and reads the selectors. `nowNs` is nanoseconds since the epoch. */
export function selectorsOf(flags: ObserveFlags, nowNs: bigint): Selectors {
  for (const name of ['last', 'first'] as const) checkCount(name, flags[name]);
  const conflicts: readonly [keyof ObserveFlags, keyof ObserveFlags][] = [
    ['first', 'last'],
    ['first', 'all'],
    ['first', 'follow'],
    ['last', 'all'],
  ];
  for (const [a, b] of conflicts) {
    if (isSet(flags[a]) && isSet(flags[b])) throw new Fault(`cannot set both --${a} and --${b}`);
  }
  const follow = flags.follow ?? false;
  const since = !flags.since ? undefined : parseTime('since', flags.since, nowNs);
  const until = !flags.until || follow ? undefined : parseTime('until', flags.until, nowNs);
  const first = isSet(flags.first);
  const chosen = first || isSet(flags.last);
  const wide = !since && !until && !first;
  const plain = wide && !follow && !flags.inputFile ? defaultLast : 0;
  const counted = chosen ? (flags[first ? 'first' : 'last'] ?? 0) : plain;
  const number = flags.all && wide ? everything : counted;
  return { number, first, follow, since, until };
}

/** A count of 0 is the same as none. */
function isSet(value: string | boolean | undefined): boolean {
  return value !== undefined && value !== false && !/^0+$/.test(String(value));
}

function checkCount(name: 'first' | 'last', text = '0'): void {
  if (/^\d{1,20}$/.test(text) && BigInt(text) <= BigInt(everything)) return;
  throw invalidArgument(`--${name}`, text, `not a number up to ${everything}`);
}

const defaultMask = [
  'time',
  'source.identity',
  'source.namespace',
  'source.pod_name',
  'destination.identity',
  'destination.namespace',
  'destination.pod_name',
  'source_service',
  'destination_service',
  'source_names',
  'destination_names',
  'l4',
  'IP',
  'ethernet',
  'l7',
  'Type',
  'node_name',
  'is_reply',
  'event_type',
  'verdict',
  'Summary',
  'ip_trace_id',
];
const policyMask = [
  'traffic_direction',
  'policy_match_type',
  'egress_allowed_by',
  'ingress_allowed_by',
  'egress_denied_by',
  'ingress_denied_by',
];

function maskOf(flags: ObserveFlags, output: PrinterOptions['output']): string[] {
  const json = output.startsWith('json');
  if (flags.fieldMask) {
    if (!json) throw new Fault(`${output} output format is not compatible with custom field mask`);
    const paths = flags.fieldMask.split(',').map((path) => path.trim());
    const mask = compileFieldMask(paths);
    if (!mask.ok) throw new Fault(mask.error.replace(/^invalid fieldmask/, 'failed to construct field mask'));
    return paths;
  }
  return flags.useDefaultFieldMasks && !json ? [...defaultMask, ...policyMask] : [];
}

/** The request that the flags ask for. */
export function requestOf(
  selectors: Selectors,
  filters: Filters,
  flags: ObserveFlags,
  printer: PrinterOptions,
): GetFlowsRequest {
  const paths = maskOf(flags, printer.output);
  return {
    number: selectors.number,
    first: selectors.first,
    follow: selectors.follow,
    ...filters,
    ...(selectors.since && { since: selectors.since }),
    ...(selectors.until && { until: selectors.until }),
    ...(paths.length > 0 && { field_mask: { paths } }),
  };
}

const outputs: Readonly<Record<string, PrinterOptions['output']>> = {
  compact: 'compact',
  dict: 'dict',
  json: 'json',
  JSON: 'json',
  jsonpb: 'jsonpb',
  tab: 'table',
  table: 'table',
};

/** How to print. `HUBBLE_COMPAT` may hold `legacy-json-output` and `legacy-compact-output`, joined by commas. */
export function printerOptionsOf(
  flags: ObserveFlags,
  environment: NodeJS.ProcessEnv,
  terminal: boolean,
): PrinterOptions {
  const output = Object.hasOwn(outputs, flags.output) ? outputs[flags.output] : undefined;
  if (!output) throw new Fault(`invalid output format: ${flags.output}; allowed: compact, dict, json, jsonpb, table`);
  if (output === 'table' && flags.follow) throw new Fault('table output format is not compatible with follow mode');
  const timeFormat = timeFormatNames.find((name) => name.toLowerCase() === flags.timeFormat.toLowerCase());
  if (timeFormat === undefined) {
    throw new Fault(`invalid --time-format value: ${flags.timeFormat}; allowed: ${timeFormatNames.join(', ')}`);
  }
  if (!['auto', 'always', 'never'].includes(flags.color)) {
    throw new Fault(`invalid --color value: ${flags.color}; allowed: auto, always, never`);
  }
  const compat = (environment['HUBBLE_COMPAT'] ?? '').split(',');
  const auto = terminal && !environment['NO_COLOR'];
  return {
    output: output === 'json' && compat.includes('legacy-json-output') ? 'json-legacy' : output,
    nodeName: flags.printNodeName ?? false,
    policyNames: flags.printPolicyNames ?? false,
    timeFormat,
    colour: flags.color === 'always' || (flags.color === 'auto' && auto),
    ipTranslation: String(flags.ipTranslation) !== 'false' && !flags.numeric,
    identities: !compat.includes('legacy-compact-output'),
    debug: flags.debug ?? false,
  };
}
