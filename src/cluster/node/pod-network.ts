import { existsSync } from 'node:fs';
import { podInterfaceName } from '../../base/index.ts';
import { createNetworkNamespace, removeNetworkNamespace } from '../../sys/index.ts';
import { gatewayLinkAddress, type NodeAddresses, networkPath, podLinkAddress, podMtu } from './addresses.ts';
import { ipBatch } from './ip-batch.ts';
import { noLinkIpv6, writeSettings } from './sysctl.ts';

export interface PodNetwork {
  readonly address: string;
  /** Path of the network namespace that the pod's containers join. */
  readonly network: string;
  remove(): Promise<void>;
}

/**
 * Makes a pod's network namespace and its link to the node, as a CNI plugin does: routed, with fixed neighbours on both sides
 * (nothing is ever asked by ARP). What an earlier pod of that name left is replaced. Rejects with the failed `ip` line.
 */
export async function createPodNetwork(
  node: NodeAddresses,
  pod: { readonly namespace: string; readonly name: string },
  address: string,
): Promise<PodNetwork> {
  const link = podInterfaceName(pod.namespace, pod.name);
  const network = networkPath(link);
  const remove = async (): Promise<void> => {
    removeNetworkNamespace(network);
    // The kernel takes the link away with the namespace, only later: a namesake must not meet it.
    await ipBatch([`link del ${link}`], node.network).catch(() => {});
  };
  if (existsSync(network)) await remove();
  createNetworkNamespace(network);
  try {
    writeSettings(network, noLinkIpv6);
    await ipBatch(nodeSide(node, link, address), node.network);
    await ipBatch(podSide(node, address), network);
  } catch (error) {
    await remove();
    throw error;
  }
  return { address, network, remove };
}

function nodeSide(node: NodeAddresses, link: string, address: string): string[] {
  const pod = podLinkAddress(address);
  return [
    `link add ${link} mtu ${podMtu} address ${gatewayLinkAddress(node.index)} type veth peer name eth0 mtu ${podMtu} address ${pod} netns ${link}`,
    `link set ${link} up`,
    `neigh replace ${address} lladdr ${pod} dev ${link} nud permanent`,
    `route replace ${address}/32 dev ${link} scope link src ${node.routerAddress}`,
  ];
}

function podSide(node: NodeAddresses, address: string): string[] {
  return [
    'link set lo up',
    `addr add ${address}/32 dev eth0`,
    'link set eth0 up',
    `neigh add ${node.routerAddress} lladdr ${gatewayLinkAddress(node.index)} dev eth0 nud permanent`,
    `route add ${node.routerAddress} dev eth0 scope link`,
    `route add default via ${node.routerAddress} dev eth0`,
  ];
}
