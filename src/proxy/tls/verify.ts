import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ChainFault } from './chain-fault.ts';
import { alternativeNames, dnsNameMatches, plainHex } from './names.ts';
import { trustsSomebody, type Validation, verifies } from './validation.ts';

/** Which statistic a refusal counts for. */
export type RefusalKind = 'failNoCertificate' | 'failError' | 'failNames' | 'failHash';

export type Verdict =
  | {
      readonly ok: true;
      readonly peer: X509Certificate | undefined;
      readonly validated: boolean;
      readonly counts?: RefusalKind;
    }
  | {
      readonly ok: false;
      /** Undefined: it counts for none. */
      readonly kind: RefusalKind | undefined;
      readonly why: string;
    };

interface VerifyingHandle {
  verifyError?(): { readonly code?: string; readonly message: string } | null;
}

/** Codes of chains that have no fault but that a certificate is out of date. */
const EXPIRED = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** What the other side of a handshake showed. */
export interface Shown {
  readonly certificate: X509Certificate | undefined;
  /** Of the certificate's chain; undefined: nothing is wrong with it. */
  readonly chainFault: ChainFault | undefined;
  /** As in `TLSv1.3`. */
  readonly version: string;
  /** The name that OpenSSL has for it. */
  readonly cipher: string;
  /** The agreed application protocol (ALPN); empty: none. */
  readonly protocol: string;
  /** It goes on with an earlier session. */
  readonly resumed: boolean;
}

/** The same of a socket of Node's. `known`: whose session a resumed one is, which Node does not tell a client. */
export function shownBy(socket: TLSSocket, known?: X509Certificate): Shown {
  const resumed = socket.isSessionReused();
  return {
    certificate: socket.getPeerX509Certificate() ?? (resumed ? known : undefined),
    get chainFault() {
      return chainFault(socket);
    },
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    protocol: socket.alpnProtocol || '',
    resumed,
  };
}

function chainFault(socket: TLSSocket): ChainFault | undefined {
  const handle = (socket as unknown as { readonly _handle?: VerifyingHandle | null })._handle;
  if (typeof handle?.verifyError !== 'function') return { code: 'UNKNOWN', message: 'certificates cannot be verified' };
  const error = handle.verifyError();
  return error ? { code: error.code ?? 'UNKNOWN', message: error.message } : undefined;
}

/**
 * Judges the other side of a handshake. `required`: it must have a certificate. `wanted`: a name that it must have besides what the
 * context says; empty: none.
 */
export function verifyPeer(shown: Shown, validation: Validation, required: boolean, wanted = ''): Verdict {
  const peer = shown.certificate;
  if (!peer)
    return required
      ? { ok: false, kind: 'failNoCertificate', why: 'peer did not return a certificate' }
      : { ok: true, peer: undefined, validated: false };
  if (!verifies(validation))
    return wanted === ''
      ? { ok: true, peer, validated: false }
      : { ok: false, kind: undefined, why: 'verify cert failed: nothing says how' };
  const { allowExpired, acceptUntrusted } = validation;
  if (trustsSomebody(validation)) {
    const fault = shown.chainFault;
    if (fault && !(allowExpired && EXPIRED.has(fault.code))) {
      if (acceptUntrusted) return { ok: true, peer, validated: false, counts: 'failError' };
      return { ok: false, kind: 'failError', why: `verify cert failed: ${fault.message} (${fault.code})` };
    }
  }
  return pinned(peer, validation) ?? named(peer, validation, wanted) ?? { ok: true, peer, validated: true };
}

function pinned(peer: X509Certificate, { hashes, keys }: Validation): Verdict | undefined {
  if (hashes.length === 0 && keys.length === 0) return undefined;
  const hash = plainHex(peer.fingerprint256);
  if (hashes.includes(hash)) return undefined;
  const spki = peer.publicKey.export({ type: 'spki', format: 'der' });
  if (keys.includes(createHash('sha256').update(spki).digest('base64'))) return undefined;
  return { ok: false, kind: 'failHash', why: 'verify cert failed: cert hash and spki' };
}

function named(peer: X509Certificate, { names }: Validation, wanted: string): Verdict | undefined {
  if (names.length === 0 && wanted === '') return undefined;
  const own = alternativeNames(peer);
  const asked = names.length === 0 || own.some((name) => names.some((test) => test(name)));
  const isWanted =
    wanted === '' ||
    own.some(({ kind, value }) =>
      kind === 'DNS' ? dnsNameMatches(value, wanted) : kind === 'IP_ADDRESS' && value === wanted,
    );
  return asked && isWanted ? undefined : { ok: false, kind: 'failNames', why: 'verify cert failed: verify SAN list' };
}
