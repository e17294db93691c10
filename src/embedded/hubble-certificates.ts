import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type CertificateAuthority, keptCertificate } from '../cluster/apiserver/index.ts';
import { hubbleServerName } from '../hubble/index.ts';
import { clusterName } from './addons.ts';
import { writeSecret } from './files.ts';
import type { ClusterHome } from './home.ts';

/** Stands for the root of the relay's files. */
export function relayFiles(home: ClusterHome): string {
  return path.join(home.state, 'relay', 'files');
}

const nodeFolder = 'var/lib/cilium/tls/hubble';
const relayFolder = 'var/lib/hubble-relay/tls';
const relayNames = ['*.hubble-relay.cilium.io'];

/** Puts certificates of the cluster's authority, under the names that Cilium gives them, where the nodes and the relay look for them unless told otherwise. */
export async function prepareHubbleCertificates(
  home: ClusterHome,
  authority: CertificateAuthority,
  nodes: readonly string[],
): Promise<void> {
  const relay = folder(relayFiles(home), relayFolder);
  writeSecret(path.join(relay, 'hubble-server-ca.crt'), authority.certificate);
  const [commonName = ''] = relayNames;
  await Promise.all([
    keptCertificate(authority, relay, 'client', { commonName, usage: 'client', dnsNames: relayNames }),
    keptCertificate(authority, relay, 'server', { commonName, usage: 'server', dnsNames: relayNames }),
    ...nodes.map((node) => {
      const directory = folder(path.join(home.state, 'agents', node, 'files'), nodeFolder);
      writeSecret(path.join(directory, 'client-ca.crt'), authority.certificate);
      const name = hubbleServerName(`${clusterName}/${node}`);
      return keptCertificate(authority, directory, 'server', { commonName: name, usage: 'server', dnsNames: [name] });
    }),
  ]);
}

function folder(root: string, inside: string): string {
  const directory = path.join(root, inside);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}
