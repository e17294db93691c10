import { uplinkInterface } from './uplink-helper.ts';
import type { UplinkSubnet } from './uplink-plan.ts';

/** What stays inside whatever the routes say: the cluster's own ranges, the link itself and link-local addresses. */
const insideRanges = ['10.244.0.0/16', '10.96.0.0/16', '172.30.0.0/24', '203.0.113.0/24', '169.254.0.0/16'];

/**
 * Rules of the fabric: what leaves by the uplink gets the fabric's address, so that no pod's address is seen outside;
 * only answers come in. Packets that do not cross the uplink are left alone.
 */
export function fabricRules({ cidr }: UplinkSubnet): string {
  return `table ip ciliate-uplink
delete table ip ciliate-uplink
table ip ciliate-uplink {
  chain arriving {
    type filter hook prerouting priority filter; policy accept;
    iifname "${uplinkInterface}" ct state established,related accept
    iifname "${uplinkInterface}" drop
  }
  chain leaving {
    type filter hook postrouting priority filter; policy accept;
    oifname "${uplinkInterface}" ip daddr { ${[...insideRanges, cidr].join(', ')} } drop
  }
  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${uplinkInterface}" masquerade
  }
}
`;
}

export function hostInterface({ index }: UplinkSubnet): string {
  return `ciliate${index}`;
}

/**
 * Rules of the host, in a table that the kernel deletes when the netlink socket that made it closes (`flags owner`).
 * Only the fabric's own address comes from the cluster, never to the host's loopback; nothing but answers goes into it.
 */
export function hostRules(subnet: UplinkSubnet): string {
  const link = hostInterface(subnet);
  return `table ip ${link} {
  flags owner;
  chain arriving {
    type filter hook prerouting priority raw; policy accept;
    iifname "${link}" ip saddr != ${subnet.fabric} drop
    iifname "${link}" ip daddr 127.0.0.0/8 drop
  }
  chain entering {
    type filter hook forward priority filter; policy accept;
    oifname "${link}" ct state != { established, related } drop
  }
  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet.fabric} oifname != "${link}" masquerade
  }
}
`;
}
