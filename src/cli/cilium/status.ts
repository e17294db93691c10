import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandIo } from '../io.ts';
import { connect, type Listed, listObjects, readConfig } from './cluster.ts';
import { type RelayStatus, relayStatus } from './relay.ts';

export interface StatusFlags {
  readonly wait?: boolean;
  readonly waitDuration: number;
  readonly output: 'summary' | 'json';
}

/** What `cilium status` knows of the cluster. */
interface ClusterStatus {
  readonly nodes: number;
  readonly agents: number;
  readonly pods: number;
  readonly managed: number;
  readonly envoyConfig: boolean;
  readonly datapathMode: string;
  readonly relay: RelayStatus;
  /** Of the Deployment `hubble-relay`; absent when there is none. */
  readonly relayPods?: { readonly desired: number; readonly ready: number; readonly available: number };
  /** Objects that say of themselves that they do not work. */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

const pauseMs = 200;

/** Prints the state of the cluster; 1 when an agent is missing or a pod is not managed. */
export async function runStatus(flags: StatusFlags, io: CommandIo): Promise<number> {
  const client = connect(io);
  const deadline = performance.now() + flags.waitDuration;
  let status = await gather(client, io);
  while (flags.wait && status.errors.length > 0 && performance.now() < deadline) {
    await sleep(pauseMs);
    status = await gather(client, io);
  }
  io.stdout.write(flags.output === 'json' ? `${JSON.stringify(status)}\n` : summary(status));
  return status.errors.length > 0 ? 1 : 0;
}

async function gather(client: ReturnType<typeof connect>, io: CommandIo): Promise<ClusterStatus> {
  const asked = relayStatus(io);
  const [config, nodes, agents, pods, endpoints, deployments, ...reported] = await Promise.all([
    readConfig(client),
    listObjects(client, '', 'v1', 'nodes'),
    listObjects(client, 'cilium.io', 'v2', 'ciliumnodes'),
    listObjects(client, '', 'v1', 'pods'),
    listObjects(client, 'cilium.io', 'v2', 'ciliumendpoints'),
    listObjects(client, 'apps', 'v1', 'deployments'),
    ...[
      'ciliumnetworkpolicies',
      'ciliumclusterwidenetworkpolicies',
      'ciliumenvoyconfigs',
      'ciliumclusterwideenvoyconfigs',
    ].map((resource) => listObjects(client, 'cilium.io', 'v2', resource)),
    listObjects(client, 'cilium.io', 'v2alpha1', 'ciliumenvoyconfigs'),
  ]);
  const relay = await asked;
  const relayDeployment = deployments.find((one) => nameOf(one) === 'kube-system/hubble-relay');
  const running = pods.filter(({ spec, status }) => spec?.hostNetwork !== true && status?.phase === 'Running');
  const known = new Set(endpoints.map(nameOf));
  const unmanaged = running.filter((pod) => !known.has(nameOf(pod)));
  const silent = nodes.filter(({ metadata }) => !agents.some((agent) => agent.metadata.name === metadata.name));
  return {
    nodes: nodes.length,
    agents: agents.length,
    pods: running.length,
    managed: running.length - unmanaged.length,
    envoyConfig: config.data?.['enable-envoy-config'] === 'true',
    datapathMode: config.data?.['routing-mode'] === 'native' ? 'direct' : 'vxlan',
    relay,
    ...(relayDeployment && { relayPods: replicasOf(relayDeployment) }),
    warnings: reported.flat().flatMap(failedConditions),
    errors: [
      ...(relay.error === undefined ? [] : [relay.error]),
      ...silent.map(({ metadata }) => `cilium-agent is not ready on node ${metadata.name}`),
      ...unmanaged.map((pod) => `pod ${nameOf(pod)} has no CiliumEndpoint`),
    ],
  };
}

function relayText({ connected, unavailable, error }: RelayStatus): string {
  if (error !== undefined) return '1 errors';
  return unavailable === 0
    ? `OK (${connected} nodes)`
    : `${unavailable} of ${connected + unavailable} nodes unavailable`;
}

function replicasOf({ spec, status }: Listed): NonNullable<ClusterStatus['relayPods']> {
  const { readyReplicas: ready = 0, availableReplicas: available = 0 } = status ?? {};
  return { desired: spec?.replicas ?? 1, ready, available };
}

function nameOf({ metadata }: Listed): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function failedConditions(object: Listed): readonly string[] {
  const failed = (object.status?.conditions ?? []).filter(({ status }) => status === 'False');
  return failed.map(({ type, message }) => `${nameOf(object)}: not ${type}: ${message ?? 'no reason given'}`);
}

function relayRow({ desired, ready, available }: NonNullable<ClusterStatus['relayPods']>): string {
  return `Deployment             hubble-relay       Desired: ${desired}, Ready: ${ready}/${desired}, Available: ${available}/${desired}`;
}

function summary(status: ClusterStatus): string {
  const health = status.errors.length === 0 ? 'OK' : `${status.errors.length} errors`;
  const rows = [
    `    Cilium:             ${health}`,
    `    Envoy config:       ${status.envoyConfig ? 'OK' : 'disabled'}`,
    `    Hubble Relay:       ${relayText(status.relay)}`,
    '    ClusterMesh:        disabled',
    '',
    `DaemonSet              cilium             Desired: ${status.nodes}, Ready: ${status.agents}/${status.nodes}, Available: ${status.agents}/${status.nodes}`,
    ...(status.relayPods ? [relayRow(status.relayPods)] : []),
    `Cluster Pods:          ${status.managed}/${status.pods} managed by Cilium`,
    `Datapath mode:         ${status.datapathMode}`,
    ...status.errors.map((text) => `Errors:                ${text}`),
    ...status.warnings.map((text) => `Warnings:              ${text}`),
  ];
  return `${rows.join('\n')}\n`;
}
