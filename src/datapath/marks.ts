/** Bits of the packet mark that say where a packet goes or comes from, as Cilium uses them. */
export const proxyMarkMask = 0xf00;
/** To a proxy socket of this node: routed to the local stack. */
export const toProxyMark = 0x200;
/** From the proxy towards a backend, under the client's address. */
export const fromProxyMark = 0xb00;
/** From a pod to another node under the pod's own address: through the tunnel where there is one. */
export const toNodeMark = 0x400;
/** Routing table that sends `toNodeMark` packets into the tunnel. */
export const toNodeTable = 2005;
/** In place of the peer's identity once audit mode has let the packet pass: no identity has this number. */
export const auditedMark = 0xffffffff;
/** The packet is one that traces show. */
export const sampledMark = 0x10000;
/** Routing table that delivers `toProxyMark` packets locally. */
export const toProxyTable = 2004;

/** Netlink log group of everything the ruleset reports. */
export const logGroup = 42;

/** Interface names the node runtime and the datapath agree on. */
export const underlayInterface = 'eth0';
export const overlayInterface = 'vx0';
export const podInterfaces = 'lxc*';
export const vxlanPort = 8472;
export const vxlanNetworkId = 1;
