import { normalizeDnsName, ok } from '../../base/index.ts';
import type { PlannedPod } from '../cluster-view.ts';
import type { Packet } from '../verdicts/packet.ts';
import type { NodeContext } from './context.ts';
import { numberOf } from './ends.ts';
import { type Answered, type Asked, nodeOf, part } from './parts.ts';
import { partsTo } from './places.ts';
import { dnsStep, policySteps } from './steps.ts';
import type { Part } from './types.ts';

/** Stands for the addresses of a name that nobody has asked for (RFC 5737). */
const standIn = '192.0.2.1';

export function toName(asked: Asked, context: NodeContext, source: PlannedPod, name: string): Answered {
  const port = numberOf(asked.question);
  const wanted = normalizeDnsName(name);
  const query = queryPart(asked, context, source, wanted);
  const learns = query?.part.allowed === true && query.proxied;
  const { learntNames } = context.world;
  const known = learntNames.get(wanted) ?? [];
  const addresses = known.length > 0 ? known : [standIn];
  const learnt = new Map([...learntNames, ...(learns ? [[wanted, addresses] as const] : [])]);
  const world = {
    ...asked.cluster,
    learntNames: new Map([...asked.cluster.learntNames, [source.nodeName, ok(learnt)] as const]),
  };
  const places = addresses.map((address) => ({
    address,
    port,
    called: { host: name, port },
    title: known.length > 0 ? `${name} at ${address}` : name,
  }));
  const answered = partsTo(asked, world, source, places);
  const facts = { name, known: known.length > 0, query: query !== undefined, proxied: query?.proxied ?? false };
  return {
    to: `${name}:${port}/${asked.question.protocol.toUpperCase()}`,
    parts: [...(query ? [query.part] : []), ...answered.parts],
    warnings: [...answered.warnings, ...nameWarnings(facts)],
  };
}

function nameWarnings(facts: {
  readonly name: string;
  readonly known: boolean;
  readonly query: boolean;
  readonly proxied: boolean;
}): readonly string[] {
  const { name, known, query, proxied } = facts;
  return [
    ...(query ? [] : ['no Service kube-system/kube-dns is known, so the DNS query is not judged']),
    ...(proxied || known ? [] : [`the DNS proxy does not see the query, so toFQDNs rules learn no address of ${name}`]),
    ...(known ? [] : [`an address of the world (${standIn}) stands for those of ${name}`]),
  ];
}

/** The DNS query for the name, to the first backend of the cluster's DNS Service. */
function queryPart(
  asked: Asked,
  context: NodeContext,
  source: PlannedPod,
  name: string,
): { readonly part: Part; readonly proxied: boolean } | undefined {
  const port = context.services.get('kube-system/kube-dns')?.ports.find(({ protocol }) => protocol === 'udp');
  const backend = port?.backends[0];
  if (!backend) return undefined;
  const packet: Packet = { source: source.address, destination: backend.address, protocol: 'udp', port: backend.port };
  const judged = dnsStep(context, packet, name);
  const receiver = nodeOf(context, backend.address);
  const steps = [
    ...policySteps(context, 'egress', packet),
    ...(judged ? [judged] : []),
    ...policySteps(receiver === undefined ? context : asked.on(asked.cluster, receiver), 'ingress', packet),
  ];
  return { part: part(`DNS query for ${name}`, steps), proxied: judged !== undefined };
}
