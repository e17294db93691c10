import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type CertificateAuthority,
  type CertificateRequest,
  type IssuedCertificate,
  isRenewalDue,
  issueCertificate,
  renewalTimeMs,
  type Validity,
  validFrom,
} from '../../../base/index.ts';
import { writeSecret } from './secret-file.ts';

export interface KeptCertificate extends IssuedCertificate {
  /** Whether this call has issued it. */
  readonly renewed: boolean;
  /** When to ask again at the latest, in milliseconds since 1970. */
  readonly renewAtMs: number;
}

export interface KeptCertificateTerms {
  /** Milliseconds since 1970. */
  readonly nowMs?: number;
  /** Of what is issued; a year without it. */
  readonly lifetimeMs?: number;
}

/**
 * Like `issueCertificate`, kept in the directory as `NAME.crt` and `NAME.key`: issued anew only when it is missing, its renewal is due, its key is another's,
 * or it was asked for differently. Each file is replaced at once. Throws when one cannot be read or written.
 */
export async function keptCertificate(
  authority: CertificateAuthority,
  directory: string,
  name: string,
  request: CertificateRequest,
  { nowMs = Date.now(), lifetimeMs }: KeptCertificateTerms = {},
): Promise<KeptCertificate> {
  const file = (extension: string): string => path.join(directory, `${name}.${extension}`);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([request, authority.certificate]))
    .digest('hex');
  if (['crt', 'key', 'request'].every((extension) => existsSync(file(extension)))) {
    const [asked] = readFileSync(file('request'), 'utf8').split(' ');
    const kept = { certificate: readFileSync(file('crt'), 'utf8'), privateKey: readFileSync(file('key'), 'utf8') };
    const validity = asked === fingerprint ? validityOf(kept) : undefined;
    if (validity && !isRenewalDue(validity, nowMs)) {
      return { ...kept, renewed: false, renewAtMs: renewalTimeMs(validity) };
    }
  }
  const validity = validFrom(nowMs, lifetimeMs);
  const issued = await issueCertificate(authority, request, validity);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeSecret(file('key'), issued.privateKey);
  writeSecret(file('crt'), issued.certificate);
  writeSecret(file('request'), fingerprint);
  return { ...issued, renewed: true, renewAtMs: renewalTimeMs(validity) };
}

/** Undefined when the files do not belong together, as after an end between two writes. */
function validityOf({ certificate, privateKey }: IssuedCertificate): Validity | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) return undefined;
    return { notBeforeMs: Date.parse(parsed.validFrom), notAfterMs: Date.parse(parsed.validTo) };
  } catch {
    return undefined;
  }
}
