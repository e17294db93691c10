import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { decodeBase64Url } from '../../http/base64.ts';

/** What cookies are signed and sealed with, as Envoy does it, so that its instances and ours read each other's. All texts are latin1 text of bytes. */

const IV_BYTES = 16;
const NONCE_BYTES = 8;
const VERIFIER_BYTES = 32;

/** HMAC with SHA-256 in base64. */
export function sign(secret: string, text: string): string {
  return createHmac('sha256', Buffer.from(secret, 'latin1')).update(text, 'latin1').digest('base64');
}

/** Whether two texts are the same, in a time that tells nothing. */
export function sameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'latin1').digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** AES-256-CBC under the digest of the secret; the initialisation vector stands before it. */
export function seal(secret: string, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-cbc', keyOf(secret), iv);
  return Buffer.concat([iv, cipher.update(text, 'latin1'), cipher.final()]).toString('base64url');
}

/** Undefined: it was not sealed with this secret. */
export function unseal(secret: string, sealed: string): string | undefined {
  const bytes = Buffer.from(decodeBase64Url(sealed) ?? '', 'latin1');
  if (bytes.length <= IV_BYTES) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-cbc', keyOf(secret), bytes.subarray(0, IV_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]).toString('latin1');
  } catch {
    return undefined;
  }
}

const keyOf = (secret: string): Buffer => createHash('sha256').update(secret, 'latin1').digest();

/** Names one round to the authorization server and back. */
export function newFlow(): string {
  return randomBytes(NONCE_BYTES).toString('hex');
}

/** A token that says which round it is of and that we made it. */
export function flowToken(secret: string, flow: string): string {
  return `${flow}.${sign(secret, flow)}`;
}

export function isFlowToken(secret: string, token: string): boolean {
  const dot = token.indexOf('.');
  return dot >= 0 && sameText(sign(secret, token.slice(0, dot)), token.slice(dot + 1));
}

/** A code verifier (RFC 7636 4.1). */
export function newVerifier(): string {
  return randomBytes(VERIFIER_BYTES).toString('base64url');
}

/** The challenge of a verifier by S256 (RFC 7636 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'latin1').digest('base64url');
}
