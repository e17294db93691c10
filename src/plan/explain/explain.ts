import { fail, normalizeDnsName, ok, type Result } from '../../base/index.ts';
import type { PlannedPod } from '../cluster-view.ts';
import type { NodePlan } from '../node-plan.ts';
import type { Backend, ServicePort } from '../services.ts';
import { clusterBackends } from '../verdicts/clusters.ts';
import type { Packet } from '../verdicts/packet.ts';
import { type Request, requestAfter } from '../verdicts/request.ts';
import { type NodeContext, nodeContext, selectingRules } from './context.ts';
import { fullName, numberOf, podOf, podPort, servicePort, Unanswerable } from './ends.ts';
import { dnsStep, policySteps } from './steps.ts';
import type { Cluster, Explanation, Part, PodName, Question, Step } from './types.ts';

/** Stands for the addresses of a name that nobody has asked for (RFC 5737). */
const standIn = '192.0.2.1';

/**
 * Says what the policies of a cluster do to traffic, step by step: plans the nodes of both ends and judges the plans, so
 * that the answer is what the nodes enforce. Fails with a sentence when the question cannot be answered.
 */
export function explain(cluster: Cluster, question: Question): Result<Explanation, string> {
  const contexts = new Map<string, NodeContext | string>();
  const on = (world: Cluster, nodeName: string): NodeContext => {
    const key = `${nodeName} ${world === cluster}`;
    const known = contexts.get(key) ?? nodeContext({ ...world, nodeName });
    contexts.set(key, known);
    if (typeof known === 'string') throw new Unanswerable(known);
    return known;
  };
  try {
    return ok(answer({ cluster, question, on }));
  } catch (error) {
    if (error instanceof Unanswerable) return fail(error.message);
    throw error;
  }
}

interface Asked {
  readonly cluster: Cluster;
  readonly question: Question;
  readonly on: (world: Cluster, nodeName: string) => NodeContext;
}

function answer(asked: Asked): Explanation {
  const { cluster, question, on } = asked;
  const first = cluster.nodes[0]?.metadata?.name;
  if (first === undefined) throw new Unanswerable('there is no node');
  const { pods } = on(cluster, first).view;
  const source = podOf(cluster, pods, question.from);
  const context = on(cluster, source.nodeName);
  const { parts, warnings, to } = partsOf(asked, context, source);
  return {
    allowed: parts.every(({ allowed }) => allowed),
    from: fullName(source),
    to,
    parts,
    warnings: [...notInForce(context.plan), ...warnings],
  };
}

type Answered = Pick<Explanation, 'parts' | 'warnings' | 'to'>;

function partsOf(asked: Asked, context: NodeContext, source: PlannedPod): Answered {
  const { to } = asked.question;
  switch (to.kind) {
    case 'pod': {
      const pod = podOf(asked.cluster, context.view.pods, to);
      const port = podPort(asked.question, pod);
      return toAddress(asked, source, { address: pod.address, port, host: pod.address, title: fullName(pod) });
    }
    case 'address': {
      const { address } = to;
      const port = numberOf(asked.question);
      const owner = context.view.pods.find((pod) => pod.address === address);
      const answered = toAddress(asked, source, {
        address,
        port,
        host: address,
        title: owner ? fullName(owner) : address,
      });
      return { ...answered, warnings: unlearnt(context, source, address) };
    }
    case 'service':
      return toService(asked, context, source, to);
    case 'name':
      return toName(asked, context, source, to.name);
  }
}

/** Which names stand for an address is known to the node alone; a rule for names may allow more than can be said here. */
function unlearnt(context: NodeContext, source: PlannedPod, address: string): readonly string[] {
  if (context.world.learntNames.size > 0 || nodeOf(context, address) !== undefined) return [];
  const hasNames = selectingRules(context, { kind: 'endpoints', identity: source.identity }).some(({ rule }) =>
    rule.egress.items.some(({ peers }) => peers?.some(({ kind }) => kind === 'fqdn')),
  );
  return hasNames
    ? ['addresses that the node has learnt from DNS are not known here: ask for the name where a toFQDNs rule is meant']
    : [];
}

interface Place {
  readonly address: string;
  readonly port: number;
  /** What the client calls it. */
  readonly host: string;
  readonly title: string;
}

function toAddress(asked: Asked, source: PlannedPod, place: Place): Answered {
  const { protocol } = asked.question;
  const to =
    protocol === 'icmp'
      ? `${place.title} ICMP type ${place.port}`
      : `${place.title}:${place.port}/${protocol.toUpperCase()}`;
  return { to, parts: [partTo(asked, asked.cluster, source, place)], warnings: [] };
}

function partTo(asked: Asked, world: Cluster, source: PlannedPod, { address, port, host, title }: Place): Part {
  const packet: Packet = { source: source.address, destination: address, protocol: asked.question.protocol, port };
  const context = asked.on(world, source.nodeName);
  const layer7 = { request: requestOf(asked.question, packet, host), serverName: serverNameOf(asked.question) };
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
function nodeOf({ view }: NodeContext, address: string): string | undefined {
  const pod = view.pods.find((one) => one.address === address);
  return pod?.nodeName ?? [view.node, ...view.peers].find((node) => node.address === address)?.name;
}

function part(title: string, steps: readonly Step[]): Part {
  return { title, steps, allowed: steps.every(({ verdict }) => verdict !== 'denied') };
}

/** A client that connects to a name asks for it. */
function serverNameOf({ serverName, to }: Question): string | undefined {
  return serverName ?? (to.kind === 'name' ? to.name : undefined);
}

function requestOf({ http }: Question, { source, destination, port }: Packet, host: string): Request | undefined {
  if (!http) return undefined;
  const { host: named, ...headers } = http.headers;
  const authority = named ?? (port === 80 ? host : `${host}:${port}`);
  return { client: source, backend: destination, port, path: http.path, method: http.method, authority, headers };
}

function toService(asked: Asked, context: NodeContext, source: PlannedPod, name: PodName): Answered {
  const service = context.services.get(`${name.namespace}/${name.name}`);
  if (!service) throw new Unanswerable(`there is no Service ${name.namespace}/${name.name}`);
  const port = servicePort(asked.question, service);
  const taken = takenOver(context.plan, port);
  const backends = taken && taken.backends.length > 0 ? taken.backends : port.backends;
  if (backends.length === 0)
    throw new Unanswerable(`the Service ${fullName(service)} has no backend on port ${port.number}`);
  const places = backends.map((backend) => {
    const owner = context.view.pods.find(({ address }) => address === backend.address);
    const title = `backend ${owner ? fullName(owner) : backend.address}:${backend.port}`;
    return { ...backend, host: name.name, title };
  });
  return {
    to: `Service ${fullName(service)}:${port.number}/${port.protocol.toUpperCase()}`,
    parts: merged(places.map((place) => partTo(asked, asked.cluster, source, place))),
    warnings: taken ? [taken.warning] : [],
  };
}

/** The Envoy configuration that has the port, where one has, and the backends of its clusters. */
function takenOver(
  plan: NodePlan,
  { frontends }: ServicePort,
): { readonly warning: string; readonly backends: readonly Backend[] } | undefined {
  const redirect = plan.datapath.serviceRedirects.find((one) =>
    frontends.some(({ address, port }) => address === one.address && port === one.port),
  );
  if (!redirect) return undefined;
  const [key, names] = [...plan.envoyConfigResources].find(([, own]) => own.includes(redirect.listener)) ?? ['', []];
  const [kind = '', namespace = '', name = ''] = key.split('/');
  const backends = names.flatMap((cluster) => clusterBackends(plan, cluster));
  return {
    warning:
      `${kind} ${namespace === '' ? name : `${namespace}/${name}`} takes this port over: its routes choose among its backends and may ` +
      'rewrite the request; policy judges the request as it leaves for the backend',
    backends: [...new Map(backends.map((backend) => [`${backend.address}:${backend.port}`, backend])).values()],
  };
}

/** Backends that fare the same are told once. */
function merged(parts: readonly Part[]): readonly Part[] {
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

function toName(asked: Asked, context: NodeContext, source: PlannedPod, name: string): Answered {
  const port = numberOf(asked.question);
  const wanted = normalizeDnsName(name);
  const query = queryPart(asked, context, source, wanted);
  const learns = query?.part.allowed === true && query.proxied;
  const known = asked.cluster.learntNames.get(wanted) ?? [];
  const addresses = known.length > 0 ? known : [standIn];
  const learnt = new Map([...asked.cluster.learntNames, ...(learns ? [[wanted, addresses] as const] : [])]);
  const world = { ...asked.cluster, learntNames: learnt };
  const places = addresses.map((address) => ({
    address,
    port,
    host: name,
    title: known.length > 0 ? `${name} at ${address}` : name,
  }));
  return {
    to: `${name}:${port}/${asked.question.protocol.toUpperCase()}`,
    parts: [...(query ? [query.part] : []), ...merged(places.map((place) => partTo(asked, world, source, place)))],
    warnings: nameWarnings({
      name,
      known: known.length > 0,
      query: query !== undefined,
      proxied: query?.proxied ?? false,
    }),
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

/** Policies that are left out, and why. */
function notInForce({ reports }: NodePlan): readonly string[] {
  return reports
    .filter(({ condition }) => condition.status === 'False')
    .map(({ kind, namespace, name, condition }) => {
      const object = namespace === undefined ? name : `${namespace}/${name}`;
      return `${kind} ${object} is not in force as it is written: ${condition.message}`;
    });
}
