import { existsSync, mkdirSync } from 'node:fs';
import { createNetworkNamespace, removeNetworkNamespace } from '../../sys/index.ts';
import {
  clusterCidr,
  fabricAddress,
  fabricLinkAddress,
  type NodeAddresses,
  networkNamespaces,
  networkPath,
  nodeAddresses,
  nodesMax,
} from './addresses.ts';
import { ipBatch } from './ip-batch.ts';
import { forwarding, noLinkIpv6, writeSettings } from './sysctl.ts';
import { startWorldHost, type WorldTls, worldAddresses } from './world-host.ts';

export interface Fabric {
  readonly nodes: readonly NodeAddresses[];
  /** The host outside the cluster; its addresses answer HTTP on port 80, and after `serveTls` HTTPS on port 443. */
  readonly world: {
    readonly network: string;
    readonly addresses: readonly string[];
    serveTls(tls: WorldTls): Promise<void>;
  };
  /** Takes the world host and all namespaces of the fabric away. */
  close(): Promise<void>;
}

export interface FabricOptions {
  /** Names of the nodes, in order. */
  readonly nodes: readonly string[];
  /** Service range; node processes reach it by way of their own node's rules. */
  readonly serviceCidr: string;
}

const worldNetwork = networkPath('world');
const worldGateway = '203.0.113.254';
const worldLinkAddress = '02:00:cb:00:71:0a';
const worldGatewayLinkAddress = '02:00:cb:00:71:fe';

/**
 * Makes the network that the nodes stand on, in the network namespace of this process: a bridge with all nodes, routes to their
 * pods, and a host that stands for the outside world. Repeating it repairs addresses and routes and keeps what is there.
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN here and a writable `/run/netns`; rejects with the failed `ip` line or system call.
 */
export async function createFabric({ nodes: names, serviceCidr }: FabricOptions): Promise<Fabric> {
  if (names.length === 0 || names.length > nodesMax) throw new Error(`a cluster has 1 to ${nodesMax} nodes`);
  const nodes = names.map((name, offset) => nodeAddresses(name, offset + 1));
  mkdirSync(networkNamespaces, { recursive: true });
  writeSettings(undefined, { ...forwarding, ...noLinkIpv6 });
  const fresh = new Set(nodes.filter((node) => prepareNamespace(node.network, nodeSettings)).map((node) => node.name));
  const freshWorld = prepareNamespace(worldNetwork, noLinkIpv6);

  const bridge = (await hasLink('br0')) ? [] : ['link add br0 type bridge'];
  await ipBatch([
    ...bridge,
    ...nodes.filter((node) => fresh.has(node.name)).flatMap(linkLines),
    ...(freshWorld ? [worldLink] : []),
    ...fabricLines(nodes, serviceCidr),
  ]);
  await Promise.all([
    ...nodes.map((node) => ipBatch(nodeLines(node, nodes, serviceCidr), node.network)),
    ipBatch(worldLines, worldNetwork),
  ]);
  const world = await startWorldHost(worldNetwork);
  return {
    nodes,
    world: { network: worldNetwork, addresses: worldAddresses, serveTls: world.serveTls },
    async close() {
      await world.close();
      await ipBatch(['link del br0', 'link del world0', ...nodes.map((node) => `link del ${fabricLink(node)}`)]);
      for (const path of [...nodes.map((node) => node.network), worldNetwork]) removeNetworkNamespace(path);
    },
  };
}

const nodeSettings = {
  ...forwarding,
  ...noLinkIpv6,
  // Apart from the pods' range, so that the proxy may use a pod's address without meeting the pod's own connections.
  'ipv4/ip_local_port_range': '61000 65535',
};

function prepareNamespace(path: string, settings: Readonly<Record<string, string>>): boolean {
  const fresh = !existsSync(path);
  if (fresh) createNetworkNamespace(path);
  writeSettings(path, settings);
  return fresh;
}

async function hasLink(name: string): Promise<boolean> {
  return ipBatch([`link show ${name}`]).then(
    () => true,
    () => false,
  );
}

function linkLines(node: NodeAddresses): string[] {
  return [
    `link add ${fabricLink(node)} type veth peer name eth0 address ${node.linkAddress} netns ${node.name}`,
    `link set ${fabricLink(node)} master br0 up`,
  ];
}

const fabricLink = (node: NodeAddresses): string => `node${node.index}`;

const worldLink = `link add world0 address ${worldGatewayLinkAddress} type veth peer name eth0 address ${worldLinkAddress} netns world`;

function fabricLines(nodes: readonly NodeAddresses[], serviceCidr: string): string[] {
  return [
    'link set lo up',
    `link set br0 address ${fabricLinkAddress} up`,
    `addr replace ${fabricAddress}/24 dev br0`,
    // What the cluster lacks of its own ranges is not to be looked for outside.
    `route replace unreachable ${clusterCidr}`,
    `route replace unreachable ${serviceCidr}`,
    'link set world0 up',
    `addr replace ${worldGateway}/24 dev world0`,
    ...worldAddresses.map((address) => `neigh replace ${address} lladdr ${worldLinkAddress} dev world0 nud permanent`),
    ...nodes.flatMap((node) => [
      `neigh replace ${node.address} lladdr ${node.linkAddress} dev br0 nud permanent`,
      `route replace ${node.podCidr} via ${node.address} dev br0`,
    ]),
  ];
}

function nodeLines(node: NodeAddresses, nodes: readonly NodeAddresses[], serviceCidr: string): string[] {
  return [
    'link set lo up',
    `addr replace ${node.routerAddress}/32 dev lo`,
    `addr replace ${node.address}/24 dev eth0`,
    'link set eth0 up',
    `neigh replace ${fabricAddress} lladdr ${fabricLinkAddress} dev eth0 nud permanent`,
    ...nodes
      .filter((other) => other !== node)
      .map((other) => `neigh replace ${other.address} lladdr ${other.linkAddress} dev eth0 nud permanent`),
    `route replace default via ${fabricAddress} dev eth0`,
    `route replace ${serviceCidr} dev lo src ${node.routerAddress}`,
  ];
}

const worldLines = [
  'link set lo up',
  ...worldAddresses.map((address) => `addr replace ${address}/24 dev eth0`),
  'link set eth0 up',
  `neigh replace ${worldGateway} lladdr ${worldGatewayLinkAddress} dev eth0 nud permanent`,
  `route replace default via ${worldGateway} dev eth0`,
];
