import { randomInt } from 'node:crypto';

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes, so no words arise. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random characters, as Kubernetes appends to `generateName`. */
export function randomSuffix(): string {
  let suffix = '';
  for (let index = 0; index < 5; index++) suffix += alphabet.charAt(randomInt(alphabet.length));
  return suffix;
}

/**
 * The value of `pod-template-hash`: FNV-1a over the template with sorted keys and the collision count,
 * its decimal digits written in the alphabet of generated names as Kubernetes does.
 */
export function templateHash(template: unknown, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${canonicalJson(template)}${collisionCount === 0 ? '' : collisionCount}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => alphabet.charAt(digit.charCodeAt(0) % alphabet.length)).join('');
}

/** JSON with the keys of every object in order, so that equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

export function sameJson(left: unknown, right: unknown): boolean {
  return canonicalJson(left) === canonicalJson(right);
}
