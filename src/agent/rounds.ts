import type { Datapath } from '../datapath/index.ts';
import type { KubeClient } from '../kube/index.ts';
import {
  createPlanner,
  createPodSettling,
  desiredIdentities,
  type NodePlan,
  notPlannable,
  type World,
  watchedSecrets,
} from '../plan/index.ts';
import { reservedIdentity } from '../policy/index.ts';
import type { XdsServer } from '../xds/index.ts';
import type { AgentOptions } from './agent.ts';
import { agentEvents, type InForce } from './agent-events.ts';
import { type Applied, applyPlan } from './apply.ts';
import type { DnsEdge } from './dns-edge.ts';
import { createEndpointObjects } from './endpoint-objects.ts';
import { flowLookups } from './flow-lookups.ts';
import type { FlowSink } from './flows.ts';
import { allocateIdentity } from './identities.ts';
import { createNodeObject } from './node-object.ts';
import { createRefusals } from './refusals.ts';
import { createReportWriter, type ReportedObject } from './reports.ts';
import type { SecretSource } from './secrets.ts';
import type { Sources } from './sources.ts';

export interface RoundsOptions {
  readonly options: AgentOptions;
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly secrets: SecretSource;
  readonly dns: DnsEdge;
  readonly flows: FlowSink;
  readonly xds: XdsServer;
  readonly datapath: Datapath;
}

export interface Rounds {
  /** One round: world, plan, apply, say. Does nothing before `begin`. Throws when something refused; what was in force stays. */
  run(): Promise<void>;
  /** Says that a data plane has connected, which may take what the one before refused. */
  dataPlaneChanged(): void;
  /** Says that the world is complete: before that, a plan would drop what it does not know yet. */
  begin(): void;
  /** Resolves when the first plan is in force. */
  readonly first: Promise<void>;
  /** The plan in force, or being put into force. */
  current(): NodePlan | undefined;
  /** Counts changes of policy. */
  policyRevision(): number;
  identityOf(address: string): number;
  /** The agent's number of the endpoint at the address, 0 for none. */
  endpointId(address: string): number;
  /** The nodes that serve an Observer. */
  peers(): readonly { readonly name: string; readonly address: string }[];
}

/** The agent's work from a change to its effect. */
export function createRounds({ options, client, sources, secrets, dns, flows, xds, datapath }: RoundsOptions): Rounds {
  const { log, nodeName, clusterName, nodeAddress } = options;
  const endpointObjects = createEndpointObjects({ client, nodeAddress, podOf: sources.pod, log });
  const writeNode = createNodeObject(client, nodeName);
  /** Numbers that this agent has allocated, until the informer brings them. */
  const allocated = new Map<string, number>();
  const reports = createReportWriter({ client, log });
  const refusals = createRefusals();
  const plan = createPlanner();
  const settle = createPodSettling();
  const first = Promise.withResolvers<void>();
  /** Cilium's counter of policy changes, and the version of the cluster's objects that it was last raised for. */
  let policyRevision = 0;
  let revised: string | undefined;
  let begun = false;
  let current: NodePlan | undefined;
  let applied: Applied | undefined;
  /** What Hubble's agent events have told of. */
  let told: InForce | undefined;
  let hosts: ReadonlyMap<string, number> = new Map();
  /** What the node says to have in force, in kernel and data plane. */
  let inForceVersion = '0';

  const world = (): World => {
    // Should one label set have two numbers, every agent takes the lower one.
    const numbers = [...sources.identities()].sort(([a], [b]) => b - a);
    const seen = numbers.map(([number, key]) => [key, number] as const);
    return {
      nodeName,
      clusterName,
      ...sources.objects(),
      secrets: secrets.objects(),
      identities: new Map([...allocated, ...seen]),
      learntNames: dns.names(),
      proxyPorts: current?.proxyPorts ?? new Map(),
      lastGood: refusals.lastGood(),
      refused: refusals.current(),
    };
  };

  const allocateIdentities = async (): Promise<void> => {
    const known = new Set(sources.identities().values());
    for (const key of allocated.keys()) if (known.has(key)) allocated.delete(key);
    for (const wanted of desiredIdentities(world())) {
      allocated.set(wanted.key, await allocateIdentity(client, wanted, sources.identities(), log));
    }
  };

  const apply = async (planned: World): Promise<NodePlan> => {
    const missing = notPlannable(planned);
    if (missing !== undefined) throw new Error(missing);
    const next = plan(planned);
    await dns.listen(next.dns.proxyPort);
    current = next;
    hosts = hostIdentities(next);
    const { idOf: endpointId } = endpointObjects;
    flows.use(flowLookups(planned, next, { endpointId, namesOf: dns.namesOf, policyRevision }));
    applied = await applyPlan(next, applied, { publish: xds.publish, applyDatapath: datapath.apply });
    return next;
  };

  const tellEvents = (now: InForce): void => {
    const lookups = { endpointId: endpointObjects.idOf, policyRevision };
    for (const event of agentEvents(told, now, lookups)) flows.observer.pushAgentEvent(event);
    told = now;
  };

  const tell = async (planned: World, next: NodePlan, observed: string): Promise<void> => {
    const refused = await writeNode(next.datapath, observed);
    if (refused !== undefined) throw new Error(`CiliumNode ${nodeName}: ${refused}`);
    await endpointObjects.write(next);
    const objects = [...planned.policies, ...planned.envoyConfigs] as readonly ReportedObject[];
    await reports.write(next.reports, objects);
  };

  return {
    run: async () => {
      if (!begun) return;
      const inForce = dns.beginRound();
      const observed = sources.observedVersion();
      if (observed !== revised) policyRevision += 1;
      if (observed !== revised)
        await secrets.follow(watchedSecrets({ ...sources.objects(), lastGood: refusals.lastGood() }));
      revised = observed;
      await allocateIdentities();
      let planned = settle(world());
      let next = await apply(planned);
      // Each turn finds a version refused that was not before, so there are no more turns than configurations.
      while (applied && refusals.note(next, planned, applied.outcome)) {
        planned = settle(world());
        next = await apply(planned);
      }
      inForce();
      tellEvents({ plan: next, policies: planned.policies });
      dns.keepEndpoints(new Set(next.datapath.endpoints.map(({ address }) => address)));
      if (isWithDataPlane(applied)) inForceVersion = observed;
      await tell(planned, next, inForceVersion);
      first.resolve();
      if (applied?.outcome.state === 'rejected') throw new Error(`the data plane refused ${refusedBy(applied)}`);
      if (applied?.outcome.state === 'timeout') throw new Error('the data plane has not answered in time');
    },
    dataPlaneChanged: () => refusals.forget(),
    begin: () => {
      begun = true;
    },
    first: first.promise,
    current: () => current,
    policyRevision: () => policyRevision,
    endpointId: endpointObjects.idOf,
    identityOf: (address) => hosts.get(address) ?? reservedIdentity.world,
    peers: () => {
      const nodes = current ? [current.datapath.node, ...current.datapath.peers] : [];
      return nodes.map(({ name, address }) => ({
        name: `${clusterName}/${name}`,
        address: `${address}:${options.hubblePort}`,
      }));
    },
  };
}

/**
 * Whether the data plane has what was published. One that is not connected, or has not answered, may still serve under the policy
 * of before: after a restart of the agent it connects again only after a while.
 */
function isWithDataPlane(applied: Applied | undefined): boolean {
  return applied?.outcome.state === 'accepted';
}

function refusedBy({ outcome }: Applied): string {
  return outcome.rejections.map(({ typeUrl, message }) => `${typeUrl}: ${message}`).join('; ');
}

function hostIdentities(next: NodePlan): ReadonlyMap<string, number> {
  const hosts = next.datapath.ipcache.filter(({ cidr }) => cidr.endsWith('/32'));
  return new Map(hosts.map(({ cidr, identity }) => [cidr.slice(0, -'/32'.length), identity]));
}
