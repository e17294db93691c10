import { writeFileSync } from 'node:fs';
import { inNetworkNamespace } from '../../sys/index.ts';

/** Writes kernel settings under `net.` of a network namespace; `/proc/sys/net` shows the namespace of the thread that writes. */
export function writeSettings(network: string | undefined, settings: Readonly<Record<string, string>>): void {
  const write = () => {
    for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/${name}`, value);
  };
  if (network === undefined) write();
  else inNetworkNamespace(network, write);
}

/** Links made later get no IPv6 address of their own, so that no neighbour discovery disturbs the flows. */
export const noLinkIpv6 = { 'ipv6/conf/default/disable_ipv6': '1' };

/** A namespace that passes packets on between links, from whatever source. */
export const forwarding = {
  'ipv4/ip_forward': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  'ipv4/conf/all/send_redirects': '0',
  'ipv4/conf/default/send_redirects': '0',
};
