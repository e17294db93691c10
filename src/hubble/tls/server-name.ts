/**
 * The name that the certificate of a node's Hubble server must have: `NODE.CLUSTER.hubble-grpc.cilium.io`, with `-` for each dot of a name, as in Cilium's
 * `peer.TLSServerName`. `fullName` is `CLUSTER/NODE`; a node alone is in the cluster `default`.
 */
export function hubbleServerName(fullName: string): string {
  const slash = fullName.indexOf('/');
  const cluster = slash < 0 ? 'default' : fullName.slice(0, slash);
  const node = fullName.slice(slash + 1);
  return [node, cluster].map((name) => name.replaceAll('.', '-')).join('.') + domain;
}

const domain = '.hubble-grpc.cilium.io';
