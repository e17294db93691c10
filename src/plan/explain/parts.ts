import type { PlannedPod } from '../cluster-view.ts';
import { isHttpListener } from '../interception.ts';
import type { NodePlan } from '../node-plan.ts';
import type { Backend } from '../services.ts';
import { judgePacket, type Packet } from '../verdicts/packet.ts';
import { type Request, requestAfter } from '../verdicts/request.ts';
import type { NodeContext } from './context.ts';
import { fullName } from './ends.ts';
import { policySteps } from './steps.ts';
import type { Cluster, Explanation, Follow, Part, Question, Step } from './types.ts';

export interface Asked {
  readonly cluster: Cluster;
  readonly question: Question;
  readonly on: (world: Cluster, nodeName: string) => NodeContext;
  readonly follow: Follow | undefined;
}

export type Answered = Pick<Explanation, 'parts' | 'warnings' | 'to' | 'learntFor'>;

export interface Place {
  readonly address: string;
  readonly port: number;
  /** What the client connects to, as it calls it. */
  readonly called: { readonly host: string; readonly port: number };
  readonly title: string;
  /** The request as it leaves a proxy for it; absent: as the client sends it. */
  readonly request?: Pick<Request, 'method' | 'path' | 'authority' | 'headers'>;
  /** Where connections to it from another node come from; absent: from the sender. */
  readonly comesFrom?: string | undefined;
}

export function partTo(asked: Asked, world: Cluster, source: PlannedPod, place: Place): Part {
  const { address, port, called, title } = place;
  const packet: Packet = { source: source.address, destination: address, protocol: asked.question.protocol, port };
  const context = asked.on(world, source.nodeName);
  const sent = requestOf(asked.question, packet, called);
  const layer7 = {
    request: sent && place.request ? { ...sent, ...place.request } : sent,
    serverName: serverNameOf(asked.question),
  };
  const receiver = nodeOf(context, address);
  const leaving = policySteps(context, 'egress', packet, layer7);
  const throughProxy = place.request !== undefined || isProxied(context.plan, packet);
  const request =
    throughProxy && layer7.request ? requestAfter(context.plan, layer7.request, 'egress') : layer7.request;
  const comesFrom = receiver === source.nodeName ? source.address : (place.comesFrom ?? source.address);
  const arriving = policySteps(
    receiver === undefined ? context : asked.on(world, receiver),
    'ingress',
    { ...packet, source: comesFrom },
    { ...layer7, request: request && { ...request, client: comesFrom } },
  );
  const answered = (steps: readonly Step[], status: number) => steps.map((step) => answeredBy(step, status));
  return part(title, [
    ...(place.request ? answered(leaving, 403) : leaving),
    ...(throughProxy ? answered(arriving, receiver === source.nodeName ? 403 : 503) : arriving),
  ]);
}

/** Whether the packet goes to the HTTP proxy of the sender's node. */
function isProxied(plan: NodePlan, packet: Packet): boolean {
  const { verdict } = judgePacket(plan, packet, 'egress');
  return verdict.kind === 'redirect' && isHttpListener(verdict.listener, 'egress');
}

/** A denial at Layer 3 and 4 as the client hears of it from a proxy that stands between, which denies it itself or does not reach the backend. */
function answeredBy(step: Step, status: number): Step {
  if (step.layer !== 'L3/L4' || step.verdict !== 'denied') return step;
  return { ...step, reason: `${step.reason}: the answer is ${status}` };
}

/** The node that judges what arrives at the address; undefined for the outside. */
export function nodeOf({ view }: NodeContext, address: string): string | undefined {
  const pod = view.pods.find((one) => one.address === address);
  return pod?.nodeName ?? [view.node, ...view.peers].find((node) => node.address === address)?.name;
}

export function part(title: string, steps: readonly Step[]): Part {
  return { title, steps, allowed: steps.every(({ verdict }) => verdict !== 'denied') };
}

/** A client that connects to a name asks for it. */
function serverNameOf({ serverName, to }: Question): string | undefined {
  return serverName ?? (to.kind === 'name' ? to.name : undefined);
}

export function requestOf(
  question: Question,
  { source, destination, port }: Packet,
  called: Place['called'],
): Request | undefined {
  const { http } = question;
  if (!http) return undefined;
  const serverName = serverNameOf(question)?.toLowerCase();
  const { host: named, ...headers } = http.headers;
  const authority = named ?? (called.port === 80 ? called.host : `${called.host}:${called.port}`);
  const hello = serverName === undefined ? {} : { serverName };
  const { method, path } = http;
  return { client: source, backend: destination, port, path, method, authority, headers, ...hello };
}

/** A backend under the name of its pod. */
export function backendPlace({ view }: NodeContext, { address, port }: Backend, called: Place['called']): Place {
  const owner = view.pods.find((pod) => pod.address === address);
  return { address, port, called, title: `backend ${owner ? fullName(owner) : address}:${port}` };
}

/** Backends that fare the same are told once. */
export function merged(parts: readonly Part[]): readonly Part[] {
  const bySteps = new Map<string, Part[]>();
  for (const one of parts) {
    const steps = one.steps.map(({ subject, ...rest }) => (rest.direction === 'egress' ? { subject, rest } : rest));
    const key = JSON.stringify([one.taken, steps]);
    bySteps.set(key, [...(bySteps.get(key) ?? []), one]);
  }
  return [...bySteps.values()].flatMap((group) => {
    const [first] = group;
    if (!first || group.length === 1) return group;
    const steps = first.steps.map((step) =>
      step.direction === 'ingress' ? { ...step, subject: 'each of them' } : step,
    );
    return [{ ...first, steps, title: group.map(({ title }) => title).join(', ') }];
  });
}
