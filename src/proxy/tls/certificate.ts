import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readDataSource } from '../config/data-source.ts';
import type { Fields } from '../config/fields.ts';
import { alternativeNames } from './names.ts';

/** A certificate with its key, both PEM. */
export interface Certificate {
  readonly chain: string;
  readonly key: string;
  readonly leaf: X509Certificate;
  /** DNS names that it stands for. */
  readonly names: readonly string[];
}

/** Reads an `envoy.extensions.transport_sockets.tls.v3.TlsCertificate`; undefined when it is faulty. */
export function readCertificate(fields: Fields): Certificate | undefined {
  fields.unsupported('private_key_provider', 'pkcs12', 'ocsp_staple', 'signed_certificate_timestamp');
  fields.message('watched_directory', (inner) => inner.required('path'));
  const chain = fields.message('certificate_chain', readDataSource) ?? '';
  const key = fields.message('private_key', readDataSource) ?? '';
  const password = fields.message('password', readDataSource);
  if (chain === '') {
    fields.problem('certificate_chain', 'No certificates found: certificate_chain is necessary');
    return undefined;
  }
  const leaf = leafOf(chain);
  if (!leaf) {
    fields.problem(
      'certificate_chain',
      `Failed to load certificate chain from ${placeOf(fields, 'certificate_chain')}`,
    );
    return undefined;
  }
  if (key === '') {
    fields.problem('private_key', 'Failed to load incomplete private key from path: private_key is necessary');
    return undefined;
  }
  const plain = plainKey(key, password);
  if (plain === undefined || !leaf.checkPrivateKey(plain.key)) {
    const cause =
      plain === undefined ? 'it is no key, or its password is wrong' : 'it is not the key of the certificate';
    fields.problem('private_key', `Failed to load private key from ${placeOf(fields, 'private_key')}, Cause: ${cause}`);
    return undefined;
  }
  return { chain, key: plain.pem, leaf, names: namesOf(leaf) };
}

/** Where a data source has its text from, as Envoy names it. */
export function placeOf(fields: Fields, key: string): string {
  const source = fields.raw(key);
  const file = typeof source === 'object' && source && 'filename' in source ? source['filename'] : undefined;
  return typeof file === 'string' ? file : '<inline>';
}

function leafOf(chain: string): X509Certificate | undefined {
  try {
    return new X509Certificate(chain);
  } catch {
    return undefined;
  }
}

function plainKey(
  pem: string,
  passphrase: string | undefined,
): { readonly key: ReturnType<typeof createPrivateKey>; readonly pem: string } | undefined {
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
    return { key, pem: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
  } catch {
    return undefined;
  }
}

function namesOf(leaf: X509Certificate): readonly string[] {
  const names = alternativeNames(leaf).flatMap(({ kind, value }) => (kind === 'DNS' ? [value] : []));
  if (names.length > 0) return names;
  const common = /(?:^|\n)CN=([^\n]*)/.exec(leaf.subject)?.[1];
  return common === undefined ? [] : [common];
}
