import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto';
import type { Jwk } from './jwks.ts';
import type { Jwt } from './jwt.ts';
import type { JwtStatus } from './status.ts';

const ED25519_SIGNATURE_BYTES = 64;

/** Whether one of the keys signed the token: those of its `kid`, all of them where it names none. */
export function verifySignature(jwt: Jwt, keys: readonly Jwk[]): JwtStatus {
  const signed = Buffer.from(jwt.signed, 'latin1');
  let tried = false;
  for (const key of keys) {
    if (jwt.key !== '' && key.id !== '' && key.id !== jwt.key) continue;
    if (key.algorithm !== '' && key.algorithm !== jwt.algorithm) continue;
    tried = true;
    // Only here a token cannot be meant for another key.
    if (key.type === 'OKP' && jwt.signature.length !== ED25519_SIGNATURE_BYTES) return 'signatureLength';
    if (signedBy(jwt, signed, key)) return 'ok';
  }
  return tried ? 'failed' : 'noSuchKey';
}

/** A key of one type never checks what another type would have signed: an RSA key's public bytes are no secret of a HMAC. */
function signedBy({ algorithm, signature }: Jwt, signed: Buffer, { type, key }: Jwk): boolean {
  const kind = algorithm.slice(0, 2);
  const hash = `sha${algorithm.slice(2)}`;
  try {
    switch (type) {
      case 'RSA': {
        if (kind !== 'RS' && kind !== 'PS') return false;
        const padding = kind === 'PS' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
        return verify(hash, signed, { key, padding }, signature);
      }
      case 'EC':
        return kind === 'ES' && verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
      case 'OKP':
        return algorithm === 'EdDSA' && verify(undefined, signed, key, signature);
      case 'oct':
        return kind === 'HS' && sameBytes(createHmac(hash, key).update(signed).digest(), signature);
    }
  } catch {
    return false;
  }
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
