import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CertificateAuthority, makeAuthority } from '../../../base/index.ts';

/**
 * The authority kept in the directory (`ca.crt`, `ca.key`, owner-readable only); made when it is not there yet.
 * Throws when the files cannot be read or written.
 */
export async function createCertificateAuthority(directory: string): Promise<CertificateAuthority> {
  const certificateFile = path.join(directory, 'ca.crt');
  const keyFile = path.join(directory, 'ca.key');
  if (existsSync(certificateFile) && existsSync(keyFile))
    return { certificate: readFileSync(certificateFile, 'utf8'), privateKey: readFileSync(keyFile, 'utf8') };
  const authority = await makeAuthority('ciliate-ca');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, authority.privateKey, { mode: 0o600 });
  writeFileSync(certificateFile, authority.certificate, { mode: 0o644 });
  return authority;
}
