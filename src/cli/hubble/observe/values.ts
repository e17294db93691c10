import { observeTypes, reservedIdentityNames, reservedIdentityNumber, tracePoints } from '../../../hubble/index.ts';
import {
  enumNames,
  enumNumber,
  type FlowFilter,
  type HttpHeader,
  type TcpFlags,
  type Workload,
} from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';

type EventType = NonNullable<FlowFilter['event_type']>[number];

/** `trace`, `trace:to-proxy`, `4`, `4:1`. */
export function parseType(text: string): EventType {
  const [name = '', subName] = text.split(':', 2);
  const type = observeTypes.get(name) ?? numberOf(name);
  if (type === undefined) {
    throw new Fault(`unable to parse type ${JSON.stringify(text)}; allowed: ${[...observeTypes.keys()].join(', ')}`);
  }
  if (subName === undefined) return { type };
  const point = tracePoints.indexOf(subName);
  const subType = name === 'trace' && point >= 0 ? point : numberOf(subName);
  if (subType === undefined) {
    const allowed = name === 'trace' ? `; allowed: ${tracePoints.join(', ')}` : '; allowed: a number';
    throw new Fault(`unable to parse sub-type ${JSON.stringify(subName)} of ${name}${allowed}`);
  }
  return { type, match_sub_type: true, sub_type: subType };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** The number of an enum's name as written. */
export function parseEnum(flag: string, type: string, text: string): number {
  const number = enumNumber(type, text);
  if (number === undefined) {
    const names = enumNames(type).slice(1);
    const allowed = names.length > 20 ? '' : `; allowed: ${names.join(', ')}`;
    throw new Fault(`invalid --${flag} value: ${text}${allowed}`);
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
      throw new Fault(`${text}: invalid traffic direction, expected ingress or egress`);
  }
}

export function parseIpVersion(text: string): number {
  const version = ['none', 'v4', 'v6'].indexOf(text.toLowerCase());
  if (version < 0) throw new Fault(`invalid --ip-version value: ${text}; allowed: none, v4, v6`);
  return version;
}

/** A reserved name (`world`, `reserved:world`) or a number. */
export function parseIdentity(text: string): number {
  const number = reservedIdentityNumber(text) ?? numberOf(text);
  if (number === undefined) {
    throw new Fault(
      `invalid security identity, expected one of [${reservedIdentityNames.join(' ')}] or a numeric value: ${text}`,
    );
  }
  return number;
}

const flagNames: readonly (keyof TcpFlags)[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'];

/** `syn,ack`: all of them. */
export function parseTcpFlags(text: string): TcpFlags {
  const flags: TcpFlags = {};
  for (const part of text.split(',')) {
    const name = flagNames.find((flag) => flag === part.trim().toUpperCase());
    if (!name) throw new Fault(`unknown tcp flag: ${part.trim()}; allowed: ${flagNames.join(', ')}`);
    flags[name] = true;
  }
  return flags;
}

const workloadKinds = new Set([
  'CronJob',
  'DaemonSet',
  'Deployment',
  'Job',
  'Pod',
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
]);

/** `name`, `kind/name`, or a kind. */
export function parseWorkload(text: string): Workload {
  const slash = text.indexOf('/');
  if (slash >= 0) return { kind: text.slice(0, slash), name: text.slice(slash + 1) };
  return workloadKinds.has(text) ? { kind: text } : { name: text };
}

/** `key:value`. */
export function parseHeader(text: string): HttpHeader {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Fault(`invalid --http-header value: ${text}; allowed: key:value`);
  return { key: text.slice(0, colon), value: text.slice(colon + 1).trim() };
}
