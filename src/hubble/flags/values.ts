import {
  enumNames,
  enumNumber,
  type FlowFilter,
  type HttpHeader,
  type TcpFlags,
  type Workload,
} from '../../model/flow/index.ts';
import { observeTypes, tracePoints } from '../names/event-types.ts';
import { reservedIdentityNames, reservedIdentityNumber } from '../names/identities.ts';
import { FlagFault } from './fault.ts';

type EventType = NonNullable<FlowFilter['event_type']>[number];

/** Sub-types of agent events by their numbers among the agent's notifications. */
const agentSubTypes: ReadonlyMap<string, number> = new Map([
  ['unspecified', 0],
  ['message', 1],
  ['agent-started', 2],
  ['policy-updated', 3],
  ['policy-deleted', 4],
  ['endpoint-regenerate-success', 5],
  ['endpoint-regenerate-failure', 6],
  ['endpoint-created', 7],
  ['endpoint-deleted', 8],
  ['ipcache-upserted', 9],
  ['ipcache-deleted', 10],
]);

/** `trace`, `trace:to-proxy`, `agent:policy-updated`, `4`, `4:1`. */
export function parseType(text: string): EventType {
  const [name = '', subName] = text.split(':', 2);
  const type = observeTypes.get(name) ?? numberOf(name);
  if (type === undefined) {
    const allowed = `allowed: ${[...observeTypes.keys()].join(', ')} or a number`;
    throw new FlagFault(`unable to parse type '${name}', not a known type name; ${allowed}`);
  }
  if (subName === undefined) return { type };
  const names = name === 'trace' ? tracePoints : name === 'agent' ? [...agentSubTypes.keys()] : [];
  const known = names.includes(subName) ? (agentSubTypes.get(subName) ?? tracePoints.indexOf(subName)) : undefined;
  const subType = known ?? numberOf(subName);
  if (subType === undefined) {
    const allowed = [...names, 'a number'].join(', ');
    throw new FlagFault(`unable to parse event sub-type '${subName}', not a known sub-type name; allowed: ${allowed}`);
  }
  return { type, match_sub_type: true, sub_type: subType };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** The number of an enum's name as written. */
export function parseEnum(flag: string, type: string, text: string): number {
  if (text === '') throw new FlagFault(`empty --${flag} value`);
  const number = enumNumber(type, text);
  if (number === undefined) {
    const names = enumNames(type).slice(1);
    const allowed = names.length > 20 ? '' : `; allowed: ${names.join(', ')}`;
    throw new FlagFault(`invalid --${flag} value: ${text}${allowed}`);
  }
  return number;
}

export function parseDirection(text: string): number {
  switch (text.toLowerCase()) {
    case 'ingress':
      return 1;
    case 'egress':
      return 2;
    default:
      throw new FlagFault(`${text.toLowerCase()}: invalid traffic direction, expected ingress or egress`);
  }
}

export function parseIpVersion(text: string): number {
  const version = ['none', '4', '6'].indexOf(text.toLowerCase().replace(/^(?:ipv|ip|v)(?=[46]$)/, ''));
  if (version < 0) throw new FlagFault(`invalid --ip-version value: ${text}; allowed: none, v4, v6`);
  return version;
}

/** A reserved name (`world`, `reserved:world`) or a number. */
export function parseIdentity(text: string): number {
  const number = reservedIdentityNumber(text) ?? numberOf(text);
  if (number === undefined) {
    throw new FlagFault(
      `invalid security identity, expected one of [${reservedIdentityNames.join(' ')}] or a numeric value`,
    );
  }
  return number;
}

const flagNames: readonly (keyof TcpFlags)[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'];

/** `syn,ack`: all of them. */
export function parseTcpFlags(text: string): TcpFlags {
  const flags: TcpFlags = {};
  for (const part of text.split(',')) {
    const name = flagNames.find((flag) => flag === part.toUpperCase());
    if (!name) throw new FlagFault(`unknown tcp flag: ${part}; allowed: ${flagNames.join(', ')}`);
    flags[name] = true;
  }
  return flags;
}

/** `name`, `kind/name`, or `kind/`. */
export function parseWorkload(text: string): Workload {
  const slash = text.indexOf('/');
  if (slash >= 0) return { kind: text.slice(0, slash), name: text.slice(slash + 1) };
  return { name: text };
}

/** `key:value`. */
export function parseHeader(text: string): HttpHeader {
  const colon = text.indexOf(':');
  if (colon < 0) throw new FlagFault(`invalid http-header value ${JSON.stringify(text)}, expected name:value`);
  return { key: text.slice(0, colon), value: text.slice(colon + 1) };
}
