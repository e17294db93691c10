import type { X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import type { TlsCounts } from './stats.ts';
import type { Shown, Verdict } from './verify.ts';

/** What is known of an encrypted connection once its handshake is done. */
export interface TlsInfo {
  /** As in `TLSv1.3`. */
  readonly version: string;
  /** The name that OpenSSL has for it. */
  readonly cipher: string;
  /** The agreed application protocol (ALPN); empty: none. */
  readonly protocol: string;
  /** The other side's certificate; undefined: it showed none. */
  readonly peer: X509Certificate | undefined;
  /** It was verified, and nothing was wrong with it. */
  readonly validated: boolean;
  /** The proxy's own; undefined: it has none. */
  readonly own: X509Certificate | undefined;
}

export function tlsInfo(
  { version, cipher, protocol, resumed }: Shown,
  { peer, validated, counts: refusal }: Extract<Verdict, { readonly ok: true }>,
  own: Certificate | undefined,
  counts: TlsCounts,
): TlsInfo {
  counts.countHandshake(version, cipher, resumed);
  if (refusal) counts.stats[refusal]++;
  if (!peer) counts.stats.noCertificate++;
  return { version, cipher, protocol, peer, validated, own: own?.leaf };
}
