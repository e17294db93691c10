import { reservedIdentity } from '../../policy/index.ts';
import type { PlannedPod } from '../cluster-view.ts';
import { policyListener } from '../http-listeners.ts';
import type { NodePlan, RuleReference } from '../node-plan.ts';
import { dnsVerdict } from '../verdicts/dns.ts';
import { identityOf, judgePacket, type Packet } from '../verdicts/packet.ts';
import { judgeRequest, type Request } from '../verdicts/request.ts';
import { isolatingRules, type NodeContext, referenceOf, selectingRules } from './context.ts';
import { nearestHttpRules, nearestPacketRules, portName } from './misses.ts';
import type { Step } from './types.ts';

type Direction = Step['direction'];

const nothing = { rules: [], isolatedBy: [], nearest: [] };

/**
 * One direction's steps: the verdict on the packet and, where that leads to the HTTP proxy, on the request.
 * `context` is that of the node that judges: the sender's for egress, the receiver's for ingress.
 */
export function policySteps(
  context: NodeContext,
  direction: Direction,
  packet: Packet,
  request: Request | undefined,
): readonly Step[] {
  const own = direction === 'egress' ? packet.source : packet.destination;
  // What is no endpoint here has no policy: an address of the outside.
  if (!context.plan.datapath.endpoints.some(({ address }) => address === own)) return [];
  const pod = context.view.localPods.find(({ address }) => address === own);
  const { verdict, entries } = judgePacket(context.plan, packet, direction);
  const rules = references(
    context.plan,
    entries.flatMap((entry) => entry.rules),
  );
  const base = { direction, layer: 'L3/L4', subject: pod ? `${pod.namespace}/${pod.name}` : own, ...nothing } as const;
  switch (verdict.kind) {
    case 'deny':
      return [{ ...base, verdict: 'denied', reason: 'a rule denies it', rules }];
    case 'redirect': {
      const step: Step = { ...base, verdict: 'allowed', reason: `through the proxy (${verdict.listener})`, rules };
      const asked = { context, direction, pod, redirects: rules };
      const isHttp = verdict.listener === policyListener.httpEgress || verdict.listener === policyListener.httpIngress;
      return isHttp ? [step, httpStep(asked, request)] : [step];
    }
    case 'allow': {
      const reason = entries.length > 0 ? 'a rule allows it' : openReason(context, direction);
      return [{ ...base, verdict: 'allowed', reason, rules }];
    }
    case 'default-deny':
      return [{ ...base, verdict: 'denied', ...defaultDenial(context, direction, packet, pod) }];
  }
}

function openReason({ world }: NodeContext, direction: Direction): string {
  if (world.config.enablePolicy === 'never') return 'enable-policy is never';
  return `no policy isolates its ${direction}`;
}

function defaultDenial(
  context: NodeContext,
  direction: Direction,
  packet: Packet,
  pod: PlannedPod | undefined,
): Pick<Step, 'reason' | 'rules' | 'isolatedBy' | 'nearest'> {
  const what = portName(packet);
  if (!pod) return { ...nothing, reason: `nothing allows ${what}` };
  const isolatedBy = isolatingRules(context, pod, direction);
  const peer = identityOf(context.plan, direction === 'egress' ? packet.destination : packet.source);
  const nearest = nearestPacketRules(context, { pod, direction, peer, protocol: packet.protocol, port: packet.port });
  const because = isolatedBy.length > 0 ? '' : closedReason(context, pod);
  return { rules: [], isolatedBy, nearest, reason: `nothing allows ${what}${because}` };
}

/** Why a pod is closed that no rule isolates. */
function closedReason({ world }: NodeContext, pod: PlannedPod): string {
  if (world.config.enablePolicy === 'always') return ' and enable-policy is always';
  return pod.identity === reservedIdentity.init ? ' and the pod has no identity yet' : '';
}

interface HttpAsked {
  readonly context: NodeContext;
  readonly direction: Direction;
  readonly pod: PlannedPod | undefined;
  /** The rules that led to the proxy. */
  readonly redirects: readonly RuleReference[];
}

function httpStep({ context, direction, pod, redirects }: HttpAsked, request: Request | undefined): Step {
  const subject = pod ? `${pod.namespace}/${pod.name}` : '';
  const base = { direction, layer: 'L7', subject, ...nothing } as const;
  const rules = httpRules(context, direction, pod, redirects);
  if (!request) {
    const reason = 'each request is judged by itself; name one with --http';
    return { ...base, verdict: 'unasked', reason, rules: rules.map(({ near }) => near) };
  }
  const { allowed, by } = judgeRequest(context.plan, request, direction);
  const deciding = references(context.plan, by);
  const what = `${request.method ?? 'GET'} ${request.path}`;
  if (allowed) return { ...base, verdict: 'allowed', reason: `a rule allows ${what}`, rules: deciding };
  if (deciding.length > 0) return { ...base, verdict: 'denied', reason: 'a rule denies it', rules: deciding };
  const nearest = nearestHttpRules(rules, request);
  return { ...base, verdict: 'denied', reason: `nothing allows ${what}: the answer is 403`, nearest };
}

/** The HTTP rules of the pod that stand under the rules which led to the proxy. */
function httpRules(
  context: NodeContext,
  direction: Direction,
  pod: PlannedPod | undefined,
  redirects: readonly RuleReference[],
): Parameters<typeof nearestHttpRules>[0] {
  if (!pod) return [];
  return selectingRules(context, pod).flatMap(({ policy, rule }) => {
    const ports = rule[direction].items.flatMap((item) => item.ports ?? []);
    return ports
      .filter(({ fieldPath }) => redirects.some((one) => isSame(one, referenceOf(policy, rule, fieldPath))))
      .flatMap(({ http }) => http ?? [])
      .map((http) => ({ near: referenceOf(policy, rule, http.fieldPath), http }));
  });
}

function isSame(a: RuleReference, b: RuleReference): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name && a.path === b.path;
}

/** What the DNS proxy says about a name, where the query leads there. */
export function dnsStep(context: NodeContext, packet: Packet, name: string): Step | undefined {
  const { verdict } = judgePacket(context.plan, packet, 'egress');
  if (verdict.kind !== 'redirect' || verdict.listener !== policyListener.dns) return undefined;
  const pod = context.view.localPods.find(({ address }) => address === packet.source);
  const { allowed, rules } = dnsVerdict(context.plan.dns, {
    client: packet.source,
    serverIdentity: identityOf(context.plan, packet.destination),
    serverPort: packet.port,
    protocol: 'udp',
    name,
  });
  return {
    direction: 'egress',
    layer: 'L7',
    subject: pod ? `${pod.namespace}/${pod.name}` : packet.source,
    verdict: allowed ? 'allowed' : 'denied',
    reason: allowed ? `a rule allows the name ${name}` : `nothing allows the name ${name}: the answer is REFUSED`,
    rules: references(context.plan, rules),
    isolatedBy: [],
    nearest: [],
  };
}

function references(plan: NodePlan, keys: readonly string[]): readonly RuleReference[] {
  return [...new Set(keys)].flatMap((key) => plan.rules.get(key) ?? []);
}
