/** Reserved identities by number (`pkg/identity/numericidentity.go`). */
const reserved: readonly string[] = [
  'unknown',
  'host',
  'world',
  'unmanaged',
  'health',
  'init',
  'remote-node',
  'kube-apiserver',
  'ingress',
  'world-ipv4',
  'world-ipv6',
  'aggregate-cluster',
  'aggregate-cluster-mesh',
  'aggregate-world',
  'aggregate-remote-node',
];

/** `world` for 2; undefined for an identity that is not reserved. */
export function reservedIdentityName(identity: number): string | undefined {
  return reserved[identity];
}

/** The number of a reserved name, with or without `reserved:`; undefined when there is none. */
export function reservedIdentityNumber(name: string): number | undefined {
  const index = reserved.indexOf(name.replace(/^reserved:/, ''));
  return index < 0 ? undefined : index;
}

export const reservedIdentityNames: readonly string[] = reserved;
