import type { PlannedPod } from '../cluster-view.ts';
import type { Packet } from '../verdicts/packet.ts';
import { type Request, requestAfter } from '../verdicts/request.ts';
import type { NodeContext } from './context.ts';
import { policySteps } from './steps.ts';
import type { Cluster, Explanation, Part, Question, Step } from './types.ts';

export interface Asked {
  readonly cluster: Cluster;
  readonly question: Question;
  readonly on: (world: Cluster, nodeName: string) => NodeContext;
}

export type Answered = Pick<Explanation, 'parts' | 'warnings' | 'to' | 'learntFor'>;

export interface Place {
  readonly address: string;
  readonly port: number;
  /** What the client connects to, as it calls it. */
  readonly called: { readonly host: string; readonly port: number };
  readonly title: string;
}

export function partTo(
  asked: Asked,
  world: Cluster,
  source: PlannedPod,
  { address, port, called, title }: Place,
): Part {
  const packet: Packet = { source: source.address, destination: address, protocol: asked.question.protocol, port };
  const context = asked.on(world, source.nodeName);
  const layer7 = { request: requestOf(asked.question, packet, called), serverName: serverNameOf(asked.question) };
  const receiver = nodeOf(context, address);
  const leaving = policySteps(context, 'egress', packet, layer7);
  const proxied = leaving.some(({ layer }) => layer === 'L7');
  const request = proxied && layer7.request ? requestAfter(context.plan, layer7.request, 'egress') : layer7.request;
  const arriving = policySteps(receiver === undefined ? context : asked.on(world, receiver), 'ingress', packet, {
    ...layer7,
    request,
  });
  return part(title, [...leaving, ...arriving]);
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

function requestOf(
  { http }: Question,
  { source, destination, port }: Packet,
  called: Place['called'],
): Request | undefined {
  if (!http) return undefined;
  const { host: named, ...headers } = http.headers;
  const authority = named ?? (called.port === 80 ? called.host : `${called.host}:${called.port}`);
  return { client: source, backend: destination, port, path: http.path, method: http.method, authority, headers };
}

/** Backends that fare the same are told once. */
export function merged(parts: readonly Part[]): readonly Part[] {
  const bySteps = new Map<string, Part[]>();
  for (const one of parts) {
    const key = JSON.stringify(
      one.steps.map(({ subject, ...rest }) => (rest.direction === 'egress' ? { subject, rest } : rest)),
    );
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
