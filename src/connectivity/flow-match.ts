import { type Flow, MessageType, toNumber, Verdict } from '../model/flow/index.ts';
import type { Action, CurlAction, Drop, Expectation, PingAction, SourcePorts } from './model.ts';

/** A named test on one flow. */
interface FlowMatcher {
  readonly name: string;
  readonly matches: (flow: Flow) => boolean;
}

/** Flows that an action must cause: the first, others in any order, the last not before the first, and none of the excepted. */
export interface FlowRequirement {
  readonly name: string;
  readonly first: FlowMatcher;
  readonly middle: readonly FlowMatcher[];
  readonly last: FlowMatcher;
  readonly except: readonly FlowMatcher[];
}

/** What of a requirement the flows show so far. */
export interface MatchResult {
  readonly matched: boolean;
  /** Words for the report: which flow was found where and which is missing. */
  readonly findings: readonly string[];
}

const dnsPort = 53;
const refused = 5;

/** What the flows of an action have to show. */
export function flowRequirements(
  action: Action,
  expectation: Expectation,
  sourcePorts: SourcePorts,
): FlowRequirement[] {
  if (action.kind === 'ping') return [pingRequirement(action, expectation)];
  const dns = action.resolves === undefined ? [] : [dnsRequirement(action.source.address, expectation)];
  return [...dns, tcpRequirement(action, expectation, sourcePorts)];
}

function pingRequirement(action: PingAction, { result, drop: wanted }: Expectation): FlowRequirement {
  const from = action.source.address;
  const echo = (name: string, type: number, source: string, target: string): FlowMatcher => ({
    name,
    matches: ({ IP, l4 }) =>
      IP?.source === source && IP.destination === target && l4?.ICMPv4 != null && (l4.ICMPv4.type ?? 0) === type,
  });
  const request = echo('ICMP request', 8, from, action.address);
  const answer = echo('ICMP response', 0, action.address, from);
  if (result !== 'ok') {
    const drop = { name: 'Drop', matches: (flow: Flow) => request.matches(flow) && isDrop(flow, wanted) };
    return { name: 'ICMP drop', first: request, middle: [], last: drop, except: [answer] };
  }
  return { name: 'ICMP', first: request, middle: [], last: answer, except: [packetDrop(request)] };
}

function packetDrop(of: FlowMatcher): FlowMatcher {
  return { name: 'Drop', matches: (flow) => of.matches(flow) && isPacketDrop(flow) };
}

const directions = { ingress: 1, egress: 2 } as const;
const reasons = { default: 133, deny: 181 } as const;

/** A packet that was dropped, at that place and for that reason where the expectation names them. */
function isDrop(flow: Flow, wanted: Drop | undefined): boolean {
  if (flow.verdict !== Verdict.DROPPED) return false;
  if (wanted === undefined) return true;
  const { traffic_direction: direction, drop_reason_desc: reason } = flow;
  return direction === directions[wanted.direction] && reason === reasons[wanted.reason];
}

function isPacketDrop(flow: Flow): boolean {
  return flow.verdict === Verdict.DROPPED && flow.event_type?.type === MessageType.DROP;
}

interface Connection {
  readonly forward: (flow: Flow) => boolean;
  readonly backward: (flow: Flow) => boolean;
}

/** Which flows belong to the client's connection, in both directions. */
function connectionOf(action: CurlAction, { first, last }: SourcePorts): Connection {
  const client = action.source.address;
  const targets = action.targetAddresses && new Set(action.targetAddresses);
  const targetPorts = new Set([action.port, action.translatedPort]);
  const is = (flow: Flow, from: 'source' | 'destination', to: 'source' | 'destination'): boolean => {
    const { IP: ip, l4 } = flow;
    if (!ip || !l4?.TCP || ip[from] !== client) return false;
    const ports = { source: l4.TCP.source_port ?? 0, destination: l4.TCP.destination_port ?? 0 };
    if (!targetPorts.has(ports[to]) || ports[from] < first || ports[from] > last) return false;
    if (targets) return targets.has(ip[to] ?? '');
    // Requests to several names go side by side; what has another name belongs to another one.
    const names = (to === 'source' ? flow.source_names : flow.destination_names) ?? [];
    return action.resolves === undefined || names.length === 0 || names.includes(action.resolves);
  };
  return {
    forward: (flow) => is(flow, 'source', 'destination'),
    backward: (flow) => is(flow, 'destination', 'source'),
  };
}

function tcpRequirement(
  action: CurlAction,
  { result, http, drop: wanted }: Expectation,
  sourcePorts: SourcePorts,
): FlowRequirement {
  const { forward, backward } = connectionOf(action, sourcePorts);
  const flags = ({ l4 }: Flow): { SYN?: boolean; ACK?: boolean; FIN?: boolean; RST?: boolean } => l4?.TCP?.flags ?? {};
  const either = (flow: Flow): boolean => forward(flow) || backward(flow);
  const syn: FlowMatcher = {
    name: 'SYN',
    matches: (flow) => forward(flow) && Boolean(flags(flow).SYN) && !flags(flow).ACK,
  };
  const synAck: FlowMatcher = {
    name: 'SYN-ACK',
    matches: (flow) => backward(flow) && Boolean(flags(flow).SYN && flags(flow).ACK),
  };
  const fin: FlowMatcher = { name: 'FIN', matches: (flow) => either(flow) && Boolean(flags(flow).FIN) };
  const end: FlowMatcher = {
    name: 'FIN or RST',
    matches: (flow) => either(flow) && Boolean(flags(flow).FIN || flags(flow).RST),
  };
  const drop: FlowMatcher = { name: 'Drop', matches: (flow) => either(flow) && isPacketDrop(flow) };
  if (result === 'dropped') {
    const dropped = { name: 'Drop', matches: (flow: Flow) => syn.matches(flow) && isDrop(flow, wanted) };
    return { name: 'TCP drop', first: syn, middle: [], last: dropped, except: [synAck, fin] };
  }
  const denial: FlowMatcher = {
    name: 'L7 Drop',
    matches: (flow) => forward(flow) && flow.l7?.http != null && flow.verdict === Verdict.DROPPED,
  };
  const request: FlowMatcher = {
    name: `HTTP ${action.method}`,
    matches: (flow) =>
      forward(flow) &&
      flow.verdict === Verdict.FORWARDED &&
      flow.l7?.http?.method === action.method &&
      pathIs(flow, action.path),
  };
  if (result === 'denied') return { name: 'L7 drop', first: syn, middle: [synAck, denial], last: end, except: [drop] };
  if (result === 'tls-error') return { name: 'TLS failure', first: syn, middle: [synAck], last: end, except: [drop] };
  const middle = http ? [synAck, request] : [synAck];
  return { name: 'TCP', first: syn, middle, last: end, except: [drop, denial] };
}

function pathIs({ l7 }: Flow, path: string): boolean {
  const url = l7?.http?.url ?? '';
  return URL.canParse(url) && new URL(url).pathname === path;
}

function dnsRequirement(client: string, { dns }: Expectation): FlowRequirement {
  const proxied = dns === 'proxy';
  const packet = (name: string, toServer: boolean): FlowMatcher => ({
    name,
    matches: ({ IP, l4, l7 }) => {
      const ports = l4?.UDP ?? l4?.TCP;
      if (!ports || l7) return false;
      return toServer
        ? IP?.source === client && ports.destination_port === dnsPort
        : IP?.destination === client && ports.source_port === dnsPort;
    },
  });
  const answer: FlowMatcher = {
    name: 'DNS proxy answer',
    matches: ({ IP, l7 }) =>
      IP?.destination === client && l7?.dns != null && (l7.dns.rcode ?? 0) === 0 && (l7.dns.ips ?? []).length > 0,
  };
  const refusal: FlowMatcher = {
    name: 'DNS refusal',
    matches: ({ IP, l7 }) => IP?.destination === client && l7?.dns != null && l7.dns.rcode === refused,
  };
  const response = packet('DNS response', false);
  return {
    name: 'DNS',
    first: packet('DNS request', true),
    middle: [],
    last: proxied ? answer : response,
    except: [refusal],
  };
}

/** Looks for a requirement among flows in time order. */
export function matchFlows(requirement: FlowRequirement, flows: readonly Flow[]): MatchResult {
  const findings: string[] = [];
  const note = (matcher: FlowMatcher, index: number): boolean => {
    findings.push(index < 0 ? `❌ ${matcher.name} not found` : `✅ ${matcher.name} found at ${index}`);
    return index >= 0;
  };
  const first = flows.findIndex(requirement.first.matches);
  const last = flows.findLastIndex((flow, index) => index >= first && requirement.last.matches(flow));
  let matched = note(requirement.first, first);
  for (const matcher of requirement.middle) matched = note(matcher, flows.findIndex(matcher.matches)) && matched;
  matched = note(requirement.last, first < 0 ? -1 : last) && matched;
  for (const matcher of requirement.except) {
    const index = flows.findIndex(matcher.matches);
    if (index < 0) continue;
    findings.push(`❌ ${matcher.name} found at ${index}, which must not be`);
    matched = false;
  }
  return { matched, findings };
}

/** Flows by their time, oldest first. */
export function inTimeOrder(flows: readonly Flow[]): Flow[] {
  const key = ({ time }: Flow): number => toNumber(time?.seconds) * 1e3 + (time?.nanos ?? 0) / 1e6;
  return [...flows].sort((a, b) => key(a) - key(b));
}
