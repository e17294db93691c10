import type { Logger } from '../base/index.ts';
import { createDatapath } from '../datapath/index.ts';
import { createDnsProxy, createLearntNames, type DnsProxy } from '../dns/index.ts';
import { observerServices, serveGrpc } from '../hubble/index.ts';
import { createClient, loadKubeConfig } from '../kube/index.ts';
import { desiredIdentities, type NodePlan, notPlannable, plan, type World } from '../plan/index.ts';
import { reservedIdentity } from '../policy/index.ts';
import { createXdsServer } from '../xds/index.ts';
import { accessLogService } from './access-log-server.ts';
import { type Applied, applyPlan } from './apply.ts';
import { createEndpointObjects } from './endpoint-objects.ts';
import { flowLookups } from './flow-lookups.ts';
import { createFlowSink } from './flows.ts';
import { allocateIdentity } from './identities.ts';
import { startLoop } from './loop.ts';
import { createNodeObject } from './node-object.ts';
import { type ReportedObject, writeReports } from './reports.ts';
import { serveOnSocket } from './servers.ts';
import { startSources } from './sources.ts';

export interface AgentOptions {
  readonly nodeName: string;
  readonly clusterName: string;
  readonly nodeAddress: string;
  readonly kubeconfig: string;
  /** Unix socket for the data plane: discovery and access logs. */
  readonly socket: string;
  readonly hubblePort: number;
  readonly version: string;
  readonly log: Logger;
}

export interface Agent {
  stop(): Promise<void>;
}

const debounceMs = 2;
const learntLimits = { names: 10_000, addressesPerName: 1_000, minTtlSeconds: 0 };
const expiryIntervalMs = 1_000;

/** Starts the agent of one node: resolves when the first plan is in force. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, nodeName, clusterName } = options;
  const access = await loadKubeConfig(options.kubeconfig);
  if (!access.ok) throw new Error(access.error.message);
  const client = createClient(access.value);
  const flows = createFlowSink(`${clusterName}/${nodeName}`, options.version);
  const xds = createXdsServer({ log, onConnect: () => loop.wake() });
  const datapath = createDatapath({ log, onPacket: flows.push, onLost: flows.lost });
  const started = await datapath.start();
  if (!started.ok) throw new Error(started.error.map(({ path, message }) => `${path}: ${message}`).join('; '));

  const learnt = createLearntNames(learntLimits);
  const endpointObjects = createEndpointObjects({
    client,
    nodeAddress: options.nodeAddress,
    podOf: (namespace, name) => sources.pod(namespace, name),
    log,
  });
  const writeNode = createNodeObject(client, nodeName);
  const ownIdentities = new Map<string, number>();
  let current: NodePlan | undefined;
  let applied: Applied | undefined;
  let identityByAddress: ReadonlyMap<string, number> = new Map();
  let dnsProxy: { readonly port: number; readonly proxy: DnsProxy } | undefined;
  let waiting: (() => void)[] = [];

  const buildWorld = (): World => {
    const identities = new Map<string, number>([
      ...ownIdentities,
      ...[...sources.identities()].map(([number, key]) => [key, number] as const),
    ]);
    return {
      nodeName,
      clusterName,
      ...sources.objects(),
      secrets: [],
      identities,
      learntNames: learnt.names(),
      proxyPorts: current?.proxyPorts ?? new Map(),
      ...(current && { lastGood: current.lastGood }),
    };
  };

  const round = async (): Promise<void> => {
    const released = waiting;
    waiting = [];
    const observed = sources.observedVersion();
    for (const wanted of desiredIdentities(buildWorld())) {
      ownIdentities.set(wanted.key, await allocateIdentity(client, wanted, sources.identities(), log));
    }
    const world = buildWorld();
    const missing = notPlannable(world);
    if (missing !== undefined) throw new Error(missing);
    const next = plan(world);
    if (next.dns.proxyPort !== 0) await ensureDnsProxy(next.dns.proxyPort);
    current = next;
    identityByAddress = addressIdentities(next);
    flows.use(flowLookups(world, next, endpointObjects.idOf));
    applied = await applyPlan(next, applied, {
      publish: (resources) => xds.publish(resources),
      applyDatapath: (datapathPlan) => datapath.apply(datapathPlan),
    });
    for (const release of released) release();
    await tell(world, next, observed);
  };

  const tell = async (world: World, next: NodePlan, observed: string): Promise<void> => {
    const refused = await writeNode(next.datapath, observed);
    if (refused !== undefined) throw new Error(`CiliumNode ${nodeName}: ${refused}`);
    await endpointObjects.write(next.datapath.endpoints, (identity) => next.identities.get(identity) ?? []);
    const objects = [...world.policies, ...world.envoyConfigs] as readonly ReportedObject[];
    await writeReports(next.reports, objects, { client, log });
  };

  const ensureDnsProxy = async (port: number): Promise<void> => {
    if (dnsProxy?.port === port) return;
    await dnsProxy?.proxy.stop();
    const proxy = createDnsProxy({
      port,
      plan: () => current?.dns ?? { proxyPort: 0, rules: [] },
      identityOf: (address) => identityByAddress.get(address) ?? reservedIdentity.world,
      onEvent: flows.push,
      onLearnt: (name, addresses, ttlSeconds) => {
        if (!learnt.learn(name, addresses, ttlSeconds, performance.now())) return undefined;
        const inForce = new Promise<void>((resolve) => waiting.push(resolve));
        loop.wake();
        return inForce;
      },
      log,
    });
    const opened = await proxy.start();
    if (!opened.ok) throw new Error(`DNS proxy: ${opened.error.map(({ message }) => message).join('; ')}`);
    dnsProxy = { port, proxy };
  };

  const loop = startLoop(round, { debounceMs, log });
  const dataPlaneServer = await serveOnSocket(options.socket, [...xds.services, accessLogService(flows.push, log)]);
  const peers = { list: () => peersOf(current, clusterName, options.hubblePort), subscribe: () => () => {} };
  const hubbleServer = await serveGrpc(observerServices(flows.observer, peers), {
    host: options.nodeAddress,
    port: options.hubblePort,
  });
  const sources = startSources(client, log, () => loop.wake());
  await sources.synced;
  const expiry = setInterval(() => {
    if (learnt.expire(performance.now())) loop.wake();
  }, expiryIntervalMs);
  const first = new Promise<void>((resolve) => waiting.push(resolve));
  loop.wake();
  await first;

  return {
    stop: async () => {
      clearInterval(expiry);
      await loop.stop();
      await sources.stop();
      await dnsProxy?.proxy.stop();
      await datapath.stop();
      await hubbleServer.close();
      xds.close();
      await dataPlaneServer.close();
      client.close();
    },
  };
}

function addressIdentities(next: NodePlan): ReadonlyMap<string, number> {
  const hosts = next.datapath.ipcache.filter(({ cidr }) => cidr.endsWith('/32'));
  return new Map(hosts.map(({ cidr, identity }) => [cidr.slice(0, -'/32'.length), identity]));
}

function peersOf(
  next: NodePlan | undefined,
  clusterName: string,
  port: number,
): readonly { readonly name: string; readonly address: string }[] {
  if (!next) return [];
  const nodes = [next.datapath.node, ...next.datapath.peers];
  return nodes.map(({ name, address }) => ({ name: `${clusterName}/${name}`, address: `${address}:${port}` }));
}
