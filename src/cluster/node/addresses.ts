import { numberToIpv4 } from '../../base/index.ts';

/** Where everything of one node lives. Nodes count from 1. */
export interface NodeAddresses {
  readonly name: string;
  readonly index: number;
  /** Address on the fabric: the node's InternalIP. */
  readonly address: string;
  /** Gateway of the node's pods, on the node's loopback. */
  readonly routerAddress: string;
  readonly podCidr: string;
  /** Path of the node's network namespace. */
  readonly network: string;
  /** Link address of the node's `eth0`. */
  readonly linkAddress: string;
}

/** Nodes beyond this do not fit `172.30.0.0/24`. */
export const nodesMax = 250;

export const networkNamespaces = '/run/netns';

/** All pods of all nodes. */
export const clusterCidr = '10.244.0.0/16';

export const fabricAddress = '172.30.0.254';
export const fabricLinkAddress = '02:00:ac:1e:00:fe';

/** MTU of pod links: what VXLAN leaves of the 1500 bytes between nodes. */
export const podMtu = 1450;

export function networkPath(name: string): string {
  return `${networkNamespaces}/${name}`;
}

export function nodeAddresses(name: string, index: number): NodeAddresses {
  return {
    name,
    index,
    address: `172.30.0.${index}`,
    routerAddress: `10.244.${index}.1`,
    podCidr: `10.244.${index}.0/24`,
    network: networkPath(name),
    linkAddress: `02:00:ac:1e:00:${hex(index)}`,
  };
}

/** Link address of the pod side of a pod's link; the last two bytes are those of its address. */
export function podLinkAddress(podAddress: string): string {
  const [, , node = '0', host = '0'] = podAddress.split('.');
  return `02:00:0a:f4:${hex(Number(node))}:${hex(Number(host))}`;
}

/** Link address of the node side of every pod link of a node. */
export function gatewayLinkAddress(nodeIndex: number): string {
  return `02:00:0a:f4:${hex(nodeIndex)}:fe`;
}

/** First and last address that pods of a node may get: .1 is the router, and .254's link address is the gateway's. */
export function podAddressRange(nodeIndex: number): { readonly first: string; readonly size: number } {
  return { first: `10.244.${nodeIndex}.2`, size: 250 };
}

/** The address `offset` places after `first`. */
export function addressAt(first: string, offset: number): string {
  const parts = first.split('.').map(Number);
  const value = parts.reduce((sum, part) => sum * 256 + part, 0) + offset;
  return numberToIpv4(value);
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
