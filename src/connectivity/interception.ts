import { rootCertificates } from 'node:tls';
import { issueCertificate, makeAuthority } from '../base/index.ts';
import { formatApiError } from '../kube/index.ts';
import { type Edges, RunFault } from './edges.ts';
import type { Manifest, ManifestValues } from './manifests.ts';
import type { TestPod } from './model.ts';

/** In the clients: who signed the certificates that policies show them. */
export const authoritiesFile = '/tmp/test-ca.crt';
const execTimeoutMs = 10_000;

/**
 * The Secrets that the TLS contexts of the tests' policies name: a certificate of a new authority for the external target, which the
 * clients are told of, and the authorities that the target's own may come from, the cluster's for the stand-in.
 */
export async function interceptionSecrets(
  edges: Edges,
  { namespace, external: { target } }: ManifestValues,
  clients: readonly TestPod[],
): Promise<readonly Manifest[]> {
  const authority = await makeAuthority('connectivity-test-ca');
  const request = { commonName: target, usage: 'server', dnsNames: [target] } as const;
  const { certificate, privateKey } = await issueCertificate(authority, request);
  const secret = (name: string, stringData: Readonly<Record<string, string>>): Manifest => {
    const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData };
    return manifest;
  };
  await Promise.all(clients.map((client) => tell(edges, client, authority.certificate)));
  const known = [await clusterAuthority(edges, namespace), ...rootCertificates].join('\n');
  return [
    secret('externaltarget-tls', { 'tls.crt': certificate, 'tls.key': privateKey }),
    secret('cabundle', { 'ca.crt': known }),
  ];
}

async function clusterAuthority(edges: Edges, namespace: string): Promise<string> {
  const path = { group: '', version: 'v1', resource: 'configmaps', namespace, name: 'kube-root-ca.crt' };
  const found = await edges.kube.get<{ readonly data?: Readonly<Record<string, string>> }>(path);
  if (!found.ok) throw new RunFault(`ConfigMap kube-root-ca.crt: ${formatApiError(found.error)}`);
  return found.value.data?.['ca.crt'] ?? '';
}

async function tell(edges: Edges, client: TestPod, authorities: string): Promise<void> {
  const command = ['sh', '-c', `printf %s "$1" > ${authoritiesFile}`, 'sh', authorities];
  const { exitCode, stderr } = await edges.exec(client, command, execTimeoutMs);
  if (exitCode !== 0) throw new RunFault(`pod ${client.name} takes no authorities: ${stderr.trim()}`);
}
