import { type FlowFilter, readJsonValue } from '../../model/flow/index.ts';
import { splitJsonObjects } from '../filter/json-objects.ts';
import { FlagFault } from './fault.ts';
import { addBoth, addTo, emptySet, type FilterSet, filtersOf, useFlag } from './filter-set.ts';
import { checkNamespaces } from './namespaces.ts';
import {
  parseDirection,
  parseEnum,
  parseHeader,
  parseIdentity,
  parseIpVersion,
  parseTcpFlags,
  parseType,
  parseWorkload,
} from './values.ts';

/** One filter flag: how commander knows it and what it adds. Flags without `<…>` take no value. */
export interface FilterFlag {
  readonly flags: string;
  readonly about: string;
  readonly add: (set: FilterSet, value: string) => void;
}

type Side = 'source' | 'destination';

interface SideFlags {
  readonly name: string;
  /** What flows are from or to. */
  readonly about: string;
  readonly short?: string;
  /** How a value is written, told once. */
  readonly form?: string;
  readonly add: (filter: FlowFilter, side: Side, value: string) => void;
}

/** `--x`, `--from-x` and `--to-x` for what both sides have. */
function sides({ name, about, short = '', form = '', add }: SideFlags): FilterFlag[] {
  const addSide = ({ left, right }: FilterSet, side: Side, value: string): void => {
    add(left, side, value);
    add(right, side, value);
  };
  return [
    {
      flags: `${short}--${name} <value>`,
      about: `flows from or to ${about}${form}`,
      add: ({ left, right }, value) => {
        add(left, 'source', value);
        add(right, 'destination', value);
      },
    },
    {
      flags: `--from-${name} <value>`,
      about: `flows from ${about}`,
      add: (set, value) => addSide(set, 'source', value),
    },
    {
      flags: `--to-${name} <value>`,
      about: `flows to ${about}`,
      add: (set, value) => addSide(set, 'destination', value),
    },
  ];
}

type TextField = 'pod' | 'service' | 'ip' | 'fqdn' | 'label' | 'port' | 'cluster_name';

function textSides(name: string, field: TextField, about: string, short = ''): FilterFlag[] {
  return sides({ name, about, short, add: (filter, side, value) => addTo(filter, `${side}_${field}`, value) });
}

const namespaceFlags: readonly FilterFlag[] = [
  {
    flags: '-n, --namespace <name>',
    about: 'flows from or to a namespace',
    add: (set, value) => set.namespaces.both.push(value),
  },
  {
    flags: '--from-namespace <name>',
    about: 'flows from a namespace',
    add: (set, value) => set.namespaces.from.push(value),
  },
  { flags: '--to-namespace <name>', about: 'flows to a namespace', add: (set, value) => set.namespaces.to.push(value) },
  { flags: '-A, --all-namespaces', about: 'flows of any namespace', add: (set) => set.namespaces.both.push('') },
  { flags: '--from-all-namespaces', about: 'flows from any namespace', add: (set) => set.namespaces.from.push('') },
  { flags: '--to-all-namespaces', about: 'flows to any namespace', add: (set) => set.namespaces.to.push('') },
];

const plainFlags: readonly FilterFlag[] = [
  {
    flags: '-t, --type <type>',
    about: 'event type, TYPE or TYPE:SUBTYPE, for instance trace:to-proxy',
    add: (set, value) => addBoth(set, 'event_type', parseType(value)),
  },
  {
    flags: '--verdict <name>',
    about: 'FORWARDED, DROPPED, AUDIT, REDIRECTED, ERROR, TRACED or TRANSLATED',
    add: (set, value) => addBoth(set, 'verdict', parseEnum('verdict', 'flow.Verdict', value)),
  },
  {
    flags: '--drop-reason-desc <name>',
    about: 'reason of a drop, for instance POLICY_DENIED',
    add: (set, value) => addBoth(set, 'drop_reason_desc', parseEnum('drop-reason-desc', 'flow.DropReason', value)),
  },
  {
    flags: '--protocol <name>',
    about: 'tcp, udp, sctp, icmp, icmpv4, icmpv6, dns, http or kafka',
    add: (set, value) => addBoth(set, 'protocol', value),
  },
  {
    flags: '--tcp-flags <names>',
    about: 'flags that are all set, for instance syn,ack',
    add: (set, value) => addBoth(set, 'tcp_flags', parseTcpFlags(value)),
  },
  {
    flags: '--traffic-direction <name>',
    about: 'ingress or egress',
    add: (set, value) => addBoth(set, 'traffic_direction', parseDirection(value)),
  },
  {
    flags: '--ip-version <version>',
    about: 'none, v4 or v6',
    add: (set, value) => addBoth(set, 'ip_version', parseIpVersion(value)),
  },
  { flags: '-4, --ipv4', about: 'IPv4 flows', add: (set) => addBoth(set, 'ip_version', 1) },
  { flags: '-6, --ipv6', about: 'IPv6 flows', add: (set) => addBoth(set, 'ip_version', 2) },
  {
    flags: '--snat-ip <address>',
    about: 'source address after translation',
    add: (set, value) => addBoth(set, 'source_ip_xlated', value),
  },
  {
    flags: '--http-status <code>',
    about: 'status of a response, 404 or 4+',
    add: (set, value) => addBoth(set, 'http_status_code', value),
  },
  { flags: '--http-method <method>', about: 'HTTP method', add: (set, value) => addBoth(set, 'http_method', value) },
  { flags: '--http-path <regex>', about: 'path of the URL', add: (set, value) => addBoth(set, 'http_path', value) },
  { flags: '--http-url <regex>', about: 'the URL', add: (set, value) => addBoth(set, 'http_url', value) },
  {
    flags: '--http-header <key:value>',
    about: 'an HTTP header',
    add: (set, value) => addBoth(set, 'http_header', parseHeader(value)),
  },
  {
    flags: '--node-name <pattern>',
    about: 'node, [cluster/]node with * as wildcard',
    add: (set, value) => addBoth(set, 'node_name', value),
  },
  {
    flags: '--node-label <selector>',
    about: 'labels of the node',
    add: (set, value) => addBoth(set, 'node_labels', value),
  },
  { flags: '--uuid <uuid>', about: 'one flow', add: (set, value) => addBoth(set, 'uuid', value) },
  { flags: '--trace-id <id>', about: 'trace id', add: (set, value) => addBoth(set, 'trace_id', value) },
  {
    flags: '--ip-trace-id <id>',
    about: 'IP trace id',
    add: (set, value) => addBoth(set, 'ip_trace_id', positive('ip-trace-id', value)),
  },
  {
    flags: '--interface <name>',
    about: 'network interface',
    add: (set, value) => addBoth(set, 'interface', { name: value }),
  },
  {
    flags: '--cel-expression <expression>',
    about: 'a CEL expression about _flow, where the server knows CEL',
    add: ({ left, right }, value) => {
      for (const filter of [left, right]) {
        filter.experimental = { cel_expression: [...(filter.experimental?.cel_expression ?? []), value] };
      }
    },
  },
  { flags: '--encrypted', about: 'encrypted flows', add: (set) => addBoth(set, 'encrypted', true) },
  { flags: '--unencrypted', about: 'flows in the clear', add: (set) => addBoth(set, 'encrypted', false) },
];

export const filterFlags: readonly FilterFlag[] = [
  ...textSides('pod', 'pod', 'pods: [namespace/]name-prefix'),
  ...textSides('service', 'service', 'Services: [namespace/]name-prefix'),
  ...textSides('ip', 'ip', 'an address or range'),
  ...textSides('fqdn', 'fqdn', 'a DNS name, * as wildcard'),
  ...textSides('label', 'label', 'endpoints with these labels', '-l, '),
  ...textSides('port', 'port', 'a port'),
  ...textSides('cluster', 'cluster_name', 'a cluster'),
  ...sides({
    name: 'identity',
    about: 'an identity',
    form: ': a number or a reserved name',
    add: (filter, side, value) => addTo(filter, `${side}_identity`, parseIdentity(value)),
  }),
  ...sides({
    name: 'workload',
    about: 'a workload',
    form: ': name, kind/name or kind/',
    add: (filter, side, value) => addTo(filter, `${side}_workload`, parseWorkload(value)),
  }),
  ...namespaceFlags,
  ...plainFlags,
];

const mostUint64 = 2n ** 64n - 1n;

function positive(flag: string, text: string): string {
  if (text === '0') throw new FlagFault(`invalid --${flag} value; must be greater than 0`);
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > mostUint64)
    throw new FlagFault(`invalid --${flag} value: ${text} is no number up to ${mostUint64}`);
  return text;
}

/** A wrong value of a flag in the words of the original. `flags` is the flag as it was declared. */
export function invalidArgument(flags: string, value: string, why: string): FlagFault {
  const name = flags.replace(/ [<[].*$/, '');
  return new FlagFault(`invalid argument ${JSON.stringify(value)} for ${JSON.stringify(name)} flag: ${why}`);
}

/** The filters of a request as the flags give them. */
export interface Filters {
  readonly whitelist: FlowFilter[];
  readonly blacklist: FlowFilter[];
}

/** Collects filter flags in the order of the arguments; `not` turns the next one around. */
export interface FilterBuilder {
  readonly not: () => void;
  /** Flags that take no value have none here. */
  readonly add: (flag: FilterFlag, name: string, value?: string) => void;
  readonly raw: (list: 'allowlist' | 'denylist', json: string) => void;
  readonly build: () => Filters;
}

export function createFilterBuilder(): FilterBuilder {
  const white = emptySet();
  const black = emptySet();
  const raw: Filters = { whitelist: [], blacklist: [] };
  let negated = false;
  return {
    not() {
      if (negated) throw invalidArgument('--not', 'true', 'consecutive --not statements');
      negated = true;
    },
    add(flag, name, value) {
      const set = negated ? black : white;
      negated = false;
      try {
        useFlag(set, name);
        flag.add(set, value ?? '');
        checkNamespaces(set);
      } catch (error) {
        if (!(error instanceof FlagFault)) throw error;
        throw invalidArgument(flag.flags, value ?? 'true', error.message);
      }
    },
    raw(list, json) {
      raw[list === 'allowlist' ? 'whitelist' : 'blacklist'].push(...readRawFilters(list, json));
    },
    build() {
      if (negated) throw new FlagFault('trailing --not found in the arguments');
      return {
        whitelist: [...filtersOf(white), ...raw.whitelist],
        blacklist: [...filtersOf(black), ...raw.blacklist],
      };
    },
  };
}

function undecodable(list: string, json: string, why: string): FlagFault {
  return new FlagFault(`invalid --${list} flag: failed to decode '${json}': ${why}`);
}

function readRawFilters(list: string, json: string): FlowFilter[] {
  return splitJsonObjects(json).map((text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw undecodable(list, json, (error as Error).message);
    }
    const read = readJsonValue<FlowFilter>('flow.FlowFilter', value);
    if (!read.ok) throw undecodable(list, json, read.error);
    const [unknown] = read.value.unknown;
    if (unknown !== undefined) throw undecodable(list, json, `unknown field ${JSON.stringify(unknown)}`);
    return read.value.message;
  });
}
