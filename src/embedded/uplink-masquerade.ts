import { closeSync, writeFileSync } from 'node:fs';
import { ipBatch } from '../cluster/node/index.ts';
import { inNetworkNamespace, openNftables } from '../sys/index.ts';
import { hostNetworkDescriptor, uplinkInterface } from './uplink-helper.ts';
import type { UplinkSubnet } from './uplink-plan.ts';
import { hostInterface, hostRules } from './uplink-rules.ts';

/**
 * Joins the fabric to the host's network by a pair of links, with masquerading on the host. The kernel takes all of it away with this
 * process: the links with the fabric's namespace, the rules with the netlink socket that this process keeps open.
 * Rejects with what `ip` or nftables said.
 */
export async function masqueradeOnHost(subnet: UplinkSubnet): Promise<{ close(): Promise<void> }> {
  const host = `/proc/self/fd/${hostNetworkDescriptor}`;
  const rules = inNetworkNamespace(host, openNftables);
  if (!rules) throw new Error('libnftables.so.1 (package libnftables1) is not on this machine');
  try {
    const refused = rules.run(hostRules(subnet));
    if (refused !== undefined) throw new Error(`nftables on the host: ${refused.trim()}`);
    // Connections that nobody is left to close would keep the fabric's namespace, and so the link on the host, for minutes.
    writeFileSync('/proc/sys/net/ipv4/tcp_orphan_retries', '1');
    const link = hostInterface(subnet);
    await ipBatch(
      [
        `link add ${link} type veth peer name ${uplinkInterface} netns ${process.pid}`,
        `addr add ${subnet.gateway} peer ${subnet.fabric}/32 dev ${link}`,
        `link set ${link} up`,
      ],
      host,
    );
    await ipBatch([
      `addr add ${subnet.fabric} peer ${subnet.gateway}/32 dev ${uplinkInterface}`,
      `link set ${uplinkInterface} up`,
      `route replace default via ${subnet.gateway} dev ${uplinkInterface}`,
    ]);
  } catch (error) {
    rules.close();
    throw error;
  } finally {
    closeSync(hostNetworkDescriptor);
  }
  return {
    async close() {
      rules.close();
      await ipBatch([`link del ${uplinkInterface}`]);
    },
  };
}
