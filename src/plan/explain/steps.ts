import type { PolicyRule } from '../../model/cilium/index.ts';
import { reservedIdentity, ruleReference } from '../../policy/index.ts';
import { policyListener } from '../http-listeners.ts';
import { isHttpListener } from '../interception.ts';
import type { NodePlan, RuleReference } from '../node-plan.ts';
import { dnsVerdict } from '../verdicts/dns.ts';
import { identityOf, judgePacket, type Packet } from '../verdicts/packet.ts';
import {
  judgeConnection,
  judgeRequest,
  listenerVerdict,
  type NamedConnection,
  type Request,
  type RequestVerdict,
} from '../verdicts/request.ts';
import { type NodeContext, type Subject, selectingRules, subjectAt } from './context.ts';
import { handshakeRefusal } from './handshake.ts';
import { nearestHttpRules, nearestPacketRules, portName, shownMisses } from './misses.ts';
import type { Step } from './types.ts';

type Direction = Step['direction'];

/** What of a question is above the packet. */
export interface Layer7 {
  readonly request?: Request | undefined;
  readonly serverName?: string | undefined;
}

const nothing = { rules: [], isolatedBy: [], nearest: [] };

/**
 * One direction's steps: the verdict on the packet and, where that leads to the HTTP proxy, on the request.
 * `context` is that of the node that judges: the sender's for egress, the receiver's for ingress.
 */
export function policySteps(
  context: NodeContext,
  direction: Direction,
  packet: Packet,
  { request, serverName }: Layer7 = {},
): readonly Step[] {
  const own = direction === 'egress' ? packet.source : packet.destination;
  // What is no endpoint here has no policy: an address of the outside.
  const subject = subjectAt(context, own);
  if (!subject) return [];
  const { verdict, entries } = judgePacket(context.plan, packet, direction);
  const rules = references(
    context.plan,
    entries.flatMap((entry) => entry.rules),
  );
  const base = { direction, layer: 'L3/L4', subject: subject.name, ...nothing } as const;
  switch (verdict.kind) {
    case 'deny':
      return [refused(context, { ...base, verdict: 'denied', reason: 'a rule denies it', rules })];
    case 'redirect': {
      const step: Step = { ...base, verdict: 'allowed', reason: `through the proxy (${verdict.listener})`, rules };
      const asked = { context, direction, subject, redirects: rules, listener: verdict.listener };
      if (isHttpListener(verdict.listener, direction)) return [step, httpStep(asked, request, serverName)];
      switch (verdict.listener) {
        case policyListener.tlsEgress:
        case policyListener.tlsIngress:
          return [step, tlsStep(asked, packet, serverName, judgeConnection)];
        default:
          return [step, ...listenerSteps(asked, packet, serverName)];
      }
    }
    case 'allow': {
      const reason = entries.length > 0 ? 'a rule allows it' : openReason(context, direction);
      return [{ ...base, verdict: 'allowed', reason, rules }];
    }
    case 'default-deny':
      return [refused(context, { ...base, verdict: 'denied', ...defaultDenial(context, direction, packet, subject) })];
  }
}

/** A denial at Layer 3 and 4, which audit mode only reports. */
function refused({ world }: NodeContext, step: Step): Step {
  if (!world.config.policyAuditMode) return step;
  return { ...step, verdict: 'audited', reason: `${step.reason}; policy-audit-mode lets it pass` };
}

function openReason({ world }: NodeContext, direction: Direction): string {
  if (world.config.enablePolicy === 'never') return 'enable-policy is never';
  return `no policy isolates its ${direction}`;
}

function defaultDenial(
  context: NodeContext,
  direction: Direction,
  packet: Packet,
  subject: Subject,
): Pick<Step, 'reason' | 'rules' | 'isolatedBy' | 'nearest'> {
  const what = portName(packet);
  const isolatedBy = references(context.plan, context.plan.isolatedBy.get(subject.identity)?.[direction] ?? []);
  const peer = identityOf(context.plan, direction === 'egress' ? packet.destination : packet.source);
  const nearest = nearestPacketRules(context, {
    subject,
    direction,
    peer,
    protocol: packet.protocol,
    port: packet.port,
  });
  const because = isolatedBy.length > 0 ? '' : closedReason(context, subject);
  return { rules: [], isolatedBy, nearest, reason: `nothing allows ${what}${because}` };
}

/** Why what no rule isolates is closed. */
function closedReason({ world }: NodeContext, { identity }: Subject): string {
  if (world.config.enablePolicy === 'always') return ' and enable-policy is always';
  return identity === reservedIdentity.init ? ' and the pod has no identity yet' : '';
}

interface Redirected {
  readonly context: NodeContext;
  readonly direction: Direction;
  readonly subject: Subject;
  /** The rules that led to the proxy. */
  readonly redirects: readonly RuleReference[];
}

function layer7Step({ direction, subject }: Redirected) {
  return { direction, layer: 'L7', subject: subject.name, ...nothing } as const;
}

function httpStep(redirected: Listening, request: Request | undefined, serverName: string | undefined): Step {
  const base = layer7Step(redirected);
  const { plan } = redirected.context;
  const rules = portRules(redirected).flatMap(({ rule, ports, referenceAt }) =>
    (ports.http ?? []).map((http) => ({
      near: referenceAt(rule, http.fieldPath),
      http,
      serverNames: ports.serverNames,
    })),
  );
  const refusal = serverName === undefined ? undefined : handshakeRefusal(plan, redirected.listener, serverName);
  if (refusal !== undefined) {
    const nearest = rules.flatMap(({ near, serverNames }) =>
      serverNames ? [{ rule: near, miss: `it allows ${serverNames.join(', ')} as server name` }] : [],
    );
    return { ...base, verdict: 'denied', reason: refusal, nearest: nearest.slice(0, shownMisses) };
  }
  if (!request) {
    const reason = 'each request is judged by itself; name one with --http';
    return { ...base, verdict: 'unasked', reason, rules: rules.map(({ near }) => near) };
  }
  const { allowed, by } = judgeRequest(plan, request, redirected.direction);
  const deciding = references(plan, by);
  const what = `${request.method ?? 'GET'} ${request.path}`;
  if (allowed) return { ...base, verdict: 'allowed', reason: `a rule allows ${what}`, rules: deciding };
  if (deciding.length > 0) return { ...base, verdict: 'denied', reason: 'a rule denies it', rules: deciding };
  const nearest = nearestHttpRules(redirected.context, rules, request);
  return { ...base, verdict: 'denied', reason: `nothing allows ${what}: the answer is 403`, nearest };
}

/** Where the redirect leads. */
interface Listening extends Redirected {
  readonly listener: string;
}

/** What rules for server names say in a user's listener that they lead to; nothing where they ask for none. */
function listenerSteps(asked: Listening, packet: Packet, name: string | undefined) {
  const namesNone = portRules(asked).every(({ ports }) => !ports.serverNames);
  if (namesNone) return [];
  return [tlsStep(asked, packet, name, (plan, connection) => listenerVerdict(plan, connection, asked.listener))];
}

type JudgeName = (plan: NodePlan, connection: NamedConnection, direction: Direction) => RequestVerdict;

function tlsStep(
  redirected: Redirected,
  { source, destination, port }: Packet,
  serverName: string | undefined,
  judge: JudgeName,
): Step {
  const base = layer7Step(redirected);
  const rules = portRules(redirected).flatMap(({ rule, ports, referenceAt }) =>
    ports.serverNames ? [{ rule: referenceAt(rule, ports.fieldPath), names: ports.serverNames }] : [],
  );
  if (serverName === undefined) {
    const reason = 'a TLS client is judged by the server name that it asks for; name it with --sni';
    return { ...base, verdict: 'unasked', reason, rules: rules.map(({ rule }) => rule) };
  }
  const { plan } = redirected.context;
  const connection = { client: source, backend: destination, port, serverName: serverName.toLowerCase() };
  const { allowed, by } = judge(plan, connection, redirected.direction);
  const what = `the server name ${serverName}`;
  if (allowed) {
    const deciding = by.length > 0 ? references(plan, by) : rules.map(({ rule }) => rule);
    return { ...base, verdict: 'allowed', reason: `a rule allows ${what}`, rules: deciding };
  }
  const nearest = rules.map(({ rule, names }) => ({ rule, miss: `it allows ${names.join(', ')}` }));
  return { ...base, verdict: 'denied', reason: `nothing allows ${what}: the connection is reset`, nearest };
}

/** The port rules of the subject which led to the proxy. */
function portRules({ context, direction, subject, redirects }: Redirected) {
  return selectingRules(context, subject).flatMap(({ policy, rule }) => {
    const referenceAt = (of: PolicyRule, path: string) => ruleReference(policy, of, path);
    return rule[direction].items
      .flatMap((item) => item.ports ?? [])
      .filter(({ fieldPath }) => redirects.some((one) => isSame(one, referenceAt(rule, fieldPath))))
      .map((ports) => ({ rule, ports, referenceAt }));
  });
}

function isSame(a: RuleReference, b: RuleReference): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name && a.path === b.path;
}

/** What the DNS proxy says about a name, where the query leads there. */
export function dnsStep(context: NodeContext, packet: Packet, name: string): Step | undefined {
  const { verdict, entries } = judgePacket(context.plan, packet, 'egress');
  if (verdict.kind !== 'redirect' || verdict.listener !== policyListener.dns) return undefined;
  const redirects = references(
    context.plan,
    entries.flatMap((entry) => entry.rules),
  );
  const subject = subjectAt(context, packet.source);
  if (!subject) return undefined;
  const { allowed, rules } = dnsVerdict(context.plan.dns, {
    client: packet.source,
    serverIdentity: identityOf(context.plan, packet.destination),
    serverPort: packet.port,
    protocol: 'udp',
    name,
  });
  const redirected: Redirected = { context, direction: 'egress', subject, redirects };
  const base = { ...layer7Step(redirected), rules: references(context.plan, rules) };
  if (allowed) return { ...base, verdict: 'allowed', reason: `a rule allows the name ${name}` };
  const nearest = portRules(redirected).flatMap(({ rule, ports, referenceAt }) =>
    (ports.dns ?? []).map(({ fieldPath, matchName, matchPattern }) => ({
      rule: referenceAt(rule, fieldPath),
      miss: `it allows ${[matchName, matchPattern].filter((one) => one !== undefined).join(', ')}`,
    })),
  );
  const reason = `nothing allows the name ${name}: the answer is REFUSED`;
  return { ...base, verdict: 'denied', reason, nearest: nearest.slice(0, shownMisses) };
}

function references(plan: NodePlan, keys: readonly string[]): readonly RuleReference[] {
  return [...new Set(keys)].flatMap((key) => plan.rules.get(key) ?? []);
}
