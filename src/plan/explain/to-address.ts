import type { PlannedPod } from '../cluster-view.ts';
import { type NodeContext, selectingRules } from './context.ts';
import { type Answered, type Asked, nodeOf, type Place } from './parts.ts';
import { partsTo } from './places.ts';
import type { Frontend } from './to-service.ts';
import type { Cluster, Question } from './types.ts';

export function toAddress(asked: Asked, source: PlannedPod, place: Place): Answered {
  const { protocol } = asked.question;
  const to =
    protocol === 'icmp'
      ? `${place.title} ICMP type ${place.port}`
      : `${place.title}:${place.port}/${protocol.toUpperCase()}`;
  return { to, ...partsTo(asked, asked.cluster, source, [place]) };
}

/** What the sender's node has learnt an address of the outside for. Where it cannot be told, a rule for names may allow more than is said here. */
export function learntAt(
  { learntNames }: Cluster,
  context: NodeContext,
  source: PlannedPod,
  address: string,
): Pick<Answered, 'learntFor' | 'warnings'> {
  if (nodeOf(context, address) !== undefined) return { warnings: [] };
  const { nodeName: node } = source;
  const learnt = learntNames.get(node);
  if (learnt?.ok) {
    const found = [...learnt.value].filter(([, addresses]) => addresses.includes(address));
    return { learntFor: { node, names: found.map(([name]) => name).sort() }, warnings: [] };
  }
  const hasNames = selectingRules(context, { kind: 'endpoints', identity: source.identity }).some(({ rule }) =>
    rule.egress.items.some(({ peers }) => peers?.some(({ kind }) => kind === 'fqdn')),
  );
  const why = learnt ? ` (${learnt.error})` : '';
  const warning = `addresses that the node has learnt from DNS are not known here${why}: ask for the name where a toFQDNs rule is meant`;
  return { warnings: hasNames ? [warning] : [] };
}

/** The Service that has the address with the port of the question. */
export function frontendAt(
  { services }: NodeContext,
  { port, protocol }: Question,
  address: string,
): Frontend | undefined {
  for (const { namespace, name, ports } of services.values()) {
    const own = ports.find(
      (one) =>
        one.protocol === protocol &&
        one.frontends.some((frontend) => frontend.address === address && frontend.port === port),
    );
    if (own) return { namespace, name, number: own.number, address, port: Number(port) };
  }
  return undefined;
}
