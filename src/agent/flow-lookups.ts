import { cidrContains, parseCidr, parseCidrOrIp } from '../base/index.ts';
import type { FlowLookups } from '../hubble/index.ts';
import type { Endpoint, NamespacedService, Workload } from '../model/flow/index.ts';
import { matchingEntries, type NodePlan, type Pod, ruleOfPolicy, type World } from '../plan/index.ts';
import { reservedIdentity } from '../policy/index.ts';

/** What is known beside the world and the plan. */
export interface FlowFacts {
  readonly endpointId: (address: string) => number;
  /** The names that an endpoint was given for an address. */
  readonly namesOf: (endpoint: string, address: string) => readonly string[];
  readonly policyRevision: number;
}

/** Builds what flows are named with from the world and the plan in force; one is made per plan and read per event. */
export function flowLookups(
  world: World,
  plan: NodePlan,
  { endpointId, namesOf, policyRevision }: FlowFacts,
): FlowLookups {
  const identities = new Map<string, number>();
  const ranges: { readonly cidr: NonNullable<ReturnType<typeof parseCidr>>; readonly identity: number }[] = [];
  for (const { cidr, identity } of plan.datapath.ipcache) {
    const range = parseCidr(cidr);
    if (range && range.prefix === range.bits) identities.set(cidr.slice(0, cidr.indexOf('/')), identity);
    else if (range) ranges.push({ cidr: range, identity });
  }
  const pods = new Map(world.pods.filter(hasOwnAddress).map((pod) => [pod.status?.podIP ?? '', pod]));
  const services = serviceIndex(world);
  const known = new Map<string, Endpoint | undefined>();

  const rangeIdentity = (address: string): number | undefined => {
    const one = parseCidrOrIp(address);
    return one && ranges.find(({ cidr }) => cidrContains(cidr, one))?.identity;
  };
  const identityOf = (address: string): number | undefined => identities.get(address) ?? rangeIdentity(address);
  const lookUp = (address: string): Endpoint | undefined => {
    const identity = identityOf(address);
    if (identity === undefined) return undefined;
    const base: Endpoint = { identity, labels: [...(plan.identities.get(identity) ?? worldLabels)] };
    const pod = pods.get(address);
    return pod ? { ID: endpointId(address), ...base, ...podFields(pod, world.clusterName) } : base;
  };

  return {
    nodeName: `${world.clusterName}/${world.nodeName}`,
    endpoint: (address) => {
      if (known.has(address)) return known.get(address);
      const endpoint = lookUp(address);
      if (known.size < knownMax) known.set(address, endpoint);
      return endpoint;
    },
    service: (address, port) => services.get(`${address}:${port}`),
    names: namesOf,
    policyRevision,
    rule: (key) => plan.rules.get(ruleOfPolicy(key)),
    closing: ({ endpoint, peer, ...asked }) => {
      const [own, other] = [identityOf(endpoint), identityOf(peer) ?? reservedIdentity.world];
      const entries = matchingEntries(plan.datapath.policy, { endpoint, peer: other, ...asked });
      const redirecting = entries.filter(({ action }) => action === 'redirect').flatMap(({ rules }) => rules);
      const found = redirecting.length > 0 ? redirecting : (plan.isolatedBy.get(own ?? 0)?.[asked.direction] ?? []);
      return found.slice(0, closingMax);
    },
  };
}

/** So many rules are named in one flow; hundreds of policies may isolate one endpoint. */
const closingMax = 8;

/** Addresses of the outside are without number, so what is remembered of them is bounded. */
const knownMax = 10_000;

const worldLabels: readonly string[] = ['reserved:world'];

function hasOwnAddress(pod: Pod): boolean {
  return (
    pod.status?.podIP !== undefined &&
    pod.spec?.hostNetwork !== true &&
    pod.status.phase !== 'Succeeded' &&
    pod.status.phase !== 'Failed'
  );
}

function podFields(pod: Pod, clusterName: string): Partial<Endpoint> {
  const workload = workloadOf(pod);
  return {
    cluster_name: clusterName,
    namespace: pod.metadata?.namespace ?? '',
    pod_name: pod.metadata?.name ?? '',
    ...(workload && { workloads: [workload] }),
  };
}

/** The pod's controller; a ReplicaSet made by a Deployment stands for that Deployment, whose name is the ReplicaSet's without the template hash. */
function workloadOf(pod: Pod): Workload | undefined {
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (!owner) return undefined;
  const hash = pod.metadata?.labels?.['pod-template-hash'];
  const suffix = `-${hash}`;
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(suffix)) {
    return { name: owner.name.slice(0, -suffix.length), kind: 'Deployment' };
  }
  return { name: owner.name, kind: owner.kind };
}

function serviceIndex(world: World): ReadonlyMap<string, NamespacedService> {
  const index = new Map<string, NamespacedService>();
  for (const { metadata, spec } of world.services) {
    const addresses = (spec?.clusterIPs ?? [spec?.clusterIP]).filter(
      (address) => address !== undefined && address !== 'None',
    );
    for (const address of addresses) {
      for (const { port } of spec?.ports ?? []) {
        index.set(`${address}:${port}`, { name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' });
      }
    }
  }
  return index;
}
