import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { parseJwks } from '../../src/proxy/filter/jwt-authn/jwks.ts';
import { parseJwt } from '../../src/proxy/filter/jwt-authn/jwt.ts';
import { statusCode } from '../../src/proxy/filter/jwt-authn/status.ts';
import { parseStruct } from '../../src/proxy/filter/jwt-authn/struct.ts';
import { verifySignature } from '../../src/proxy/filter/jwt-authn/verify.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const SECRET = 'secret';
const HEADERS = [
  '{"alg":"HS256"}',
  '{"alg":"HS512","kid":"a"}',
  '{"alg":"none"}',
  '{"alg":"RS256"}',
  '{"alg":"HS256","alg":"none"}',
  '{"alg":"HS256","kid":null}',
];
const VALUES = [
  '"issuer"',
  '1',
  '-1',
  '1e30',
  '0.5',
  'null',
  '["a","b"]',
  '[1]',
  '{}',
  '"\\ud800"',
  '"\\u00e9"',
  '1e999',
];
const CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'a', '__proto__', 'constructor'];
const EC =
  '{"kty":"EC","crv":"P-256","x":"k0Ho_z5-S0xRozOFlsAEVfm-nUrq9ugFeoZAaZwcBmU","y":"JojyOXotSc-2LyRGyjUSW_wRzSx5eiKYQtvbnTU4kfk"}';
const OCT = `{"kty":"oct","k":"${Buffer.from(SECRET).toString('base64url')}"}`;
const ED = '{"kty":"OKP","crv":"Ed25519","x":"aV6vhvczBYvV5Ym3VmYlRaptZT7HzUjXo-vSHoEWci0"}';
const RSA = '{"kty":"RSA","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl","e":"AQAB"}';
const KEYS = [OCT, EC, ED, RSA, '{"kty":"x"}', '{"kty":"oct","k":""}', '{"kty":"EC"}', '1', 'null'];

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');

function payload(random: Random): string {
  const members = Array.from({ length: random.below(5) }, () => `"${random.pick(CLAIMS)}":${random.pick(VALUES)}`);
  return `{${members.join(',')}}`;
}

function makeToken(random: Random): string {
  const header = random.pick(HEADERS);
  const signed = `${base64(header)}.${base64(payload(random))}`;
  const hash = header.includes('HS512') ? 'sha512' : 'sha256';
  return `${signed}.${createHmac(hash, SECRET).update(signed).digest('base64url')}`;
}

function makeKeys(random: Random): string {
  const keys = Array.from({ length: random.below(4) }, () => random.pick(KEYS));
  return random.chance(0.9) ? `{"keys":[${keys.join(',')}]}` : '{"kid":"-----BEGIN CERTIFICATE-----\\nAA=="}';
}

const ours = parseJwks(`{"keys":[${OCT}]}`) ?? [];
const others = parseJwks(`{"keys":[${EC},${ED}]}`) ?? [];

/** Tokens as clients send them: whatever they are, one is good only if its bytes were signed with the secret. */
export const tokens: Target = {
  name: 'jwt',
  words: ['.', '..', '=', '-', '_', ' ', ...HEADERS.map(base64), base64('{"iss":"issuer"}'), base64('{}')],
  make: makeToken,
  run(input) {
    const jwt = parseJwt(input);
    if (typeof jwt === 'string') {
      assert.ok(statusCode(jwt) > 0, `${jwt} is no failure`);
      return;
    }
    assert.ok(input.replaceAll(/\.+/g, '.').includes(jwt.signed), 'the signature is about something else');
    const hash = jwt.algorithm === 'HS512' ? 'sha512' : jwt.algorithm === 'HS384' ? 'sha384' : 'sha256';
    const mac = createHmac(hash, SECRET).update(jwt.signed, 'latin1').digest();
    const good = jwt.algorithm.startsWith('HS') && mac.equals(jwt.signature);
    assert.equal(verifySignature(jwt, ours) === 'ok', good, 'a signature is taken for what it is not');
    assert.notEqual(verifySignature(jwt, others), 'ok', 'nobody signed this');
    assert.notEqual(verifySignature(jwt, []), 'ok', 'there is no key');
    assert.ok(jwt.expires >= 0 && jwt.notBefore >= 0, 'a time is below 0');
  },
};

/** Key sets as servers send them, and the JSON of strangers that tokens are made of. */
export const keySets: Target = {
  name: 'jwks',
  words: ['"keys"', '"kty"', '"k"', '"alg":"HS256",', '"kid":"a",', '[', ']', '{', '}', '\\', '"', '\xff', ...KEYS],
  make: makeKeys,
  run(input) {
    const struct = parseStruct(input);
    const keys = parseJwks(input);
    if (!struct) {
      assert.equal(keys, undefined, 'keys of what is no JSON object');
      return;
    }
    // Texts are bytes: what was read is what stands there.
    const text = Buffer.from(JSON.stringify(struct), 'latin1').toString('utf8');
    assert.deepEqual(JSON.parse(text), JSON.parse(Buffer.from(input, 'latin1').toString('utf8')));
    for (const { key, type } of keys ?? []) {
      assert.equal(key.type, type === 'oct' ? 'secret' : 'public', 'a key that is no public one');
      if (type === 'oct') assert.ok((key.symmetricKeySize ?? 0) > 0, 'an empty secret');
    }
  },
};
