import { rootCertificates } from 'node:tls';
import { issueCertificate, makeAuthority } from '../base/index.ts';
import { formatApiError } from '../kube/index.ts';
import { type Edges, RunFault } from './edges.ts';
import { defaultExternal, type Manifest, type ManifestValues } from './manifests.ts';
import type { TestPod } from './model.ts';
import { replaceObject } from './policies.ts';

/** In the clients: who signed the certificates that policies show them. */
export const authoritiesFile = '/tmp/test-ca.crt';
const execTimeoutMs = 10_000;

export interface Interception {
  readonly secrets: readonly Manifest[];
  /** The certificate's Secret with another one, by the same authority, for both external targets. */
  readonly renewed: Manifest;
}

/**
 * The Secrets that the TLS contexts of the tests' policies name: a certificate of a new authority for the external target, which the
 * clients are told of, and the authorities that the target's own may come from: the cluster's for the stand-in, else the public ones.
 */
export async function prepareInterception(
  edges: Edges,
  { namespace, external: { target, otherTarget } }: ManifestValues,
  clients: readonly TestPod[],
): Promise<Interception> {
  const authority = await makeAuthority('connectivity-test-ca');
  const secret = (name: string, stringData: Readonly<Record<string, string>>): Manifest => {
    const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData };
    return manifest;
  };
  const issued = async (...dnsNames: readonly string[]): Promise<Manifest> => {
    const request = { commonName: target, usage: 'server', dnsNames } as const;
    const { certificate, privateKey } = await issueCertificate(authority, request);
    return secret('externaltarget-tls', { 'tls.crt': certificate, 'tls.key': privateKey });
  };
  await Promise.all(clients.map((client) => tell(edges, client, authority.certificate)));
  const known = target === defaultExternal.target ? [await clusterAuthority(edges, namespace)] : rootCertificates;
  return {
    secrets: [await issued(target), secret('cabundle', { 'ca.crt': known.join('\n') })],
    renewed: await issued(target, otherTarget),
  };
}

/** Puts the other certificate in the place of the first one, when the clients have met that and have learnt both names. */
export async function renewCertificate(
  edges: Edges,
  { renewed }: Interception,
  values: ManifestValues,
  clients: readonly TestPod[],
): Promise<void> {
  const { target, otherTarget } = values.external;
  const asked = clients.flatMap((client) =>
    [target, otherTarget].map((name) => {
      const command = [
        'curl',
        '--silent',
        '--insecure',
        '--output',
        '/dev/null',
        '--max-time',
        '5',
        `https://${name}/`,
      ];
      return edges.exec(client, command, execTimeoutMs);
    }),
  );
  await Promise.all(asked);
  await replaceObject(edges, renewed, values);
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
