import type { CertificateAuthority, IssuedCertificate } from '../../../base/index.ts';

export interface KubeconfigOptions {
  /** Name of the cluster, its context and its user. */
  readonly name: string;
  /** For example `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly authority: Pick<CertificateAuthority, 'certificate'>;
  readonly client: IssuedCertificate;
  readonly namespace?: string;
}

/** Text of a kubeconfig file with everything inline. It holds a private key: write it for its owner only (0600). */
export function kubeconfig({ name, server, authority, client, namespace }: KubeconfigOptions): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  // JSON is YAML, and needs no care for special characters.
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(authority.certificate) } }],
    users: [
      {
        name,
        user: {
          'client-certificate-data': base64(client.certificate),
          'client-key-data': base64(client.privateKey),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
