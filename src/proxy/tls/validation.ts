import { X509Certificate } from 'node:crypto';
import net from 'node:net';
import { readDataSource } from '../config/data-source.ts';
import { type Fields, isObject } from '../config/fields.ts';
import { readStringMatcher } from '../match/strings.ts';
import { placeOf } from './certificate.ts';
import { type AlternativeName, dnsNameMatches, type NameKind, plainHex } from './names.ts';

export type NameTest = (name: AlternativeName) => boolean;

/** A compiled `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext`. */
export interface Validation {
  /** PEM of trusted authorities; undefined: chains are not verified. */
  readonly authorities: string | undefined;
  /** Those that Node has are trusted. */
  readonly systemRoots: boolean;
  /** PEM of revocation lists; empty: there are none. */
  readonly revoked: string;
  /** SHA-256 of the public key in base64; any of them will do. */
  readonly keys: readonly string[];
  /** SHA-256 of the certificate in lower-case hexadecimal; any of them will do. */
  readonly hashes: readonly string[];
  /** One of the certificate's names must pass one of them. */
  readonly names: readonly NameTest[];
  readonly allowExpired: boolean;
  /** A certificate that does not verify is taken and counts as not validated. */
  readonly acceptUntrusted: boolean;
}

export const NO_VALIDATION: Validation = {
  authorities: undefined,
  systemRoots: false,
  revoked: '',
  keys: [],
  hashes: [],
  names: [],
  allowExpired: false,
  acceptUntrusted: false,
};

/** Whether chains are verified. */
export const trustsSomebody = ({ authorities, systemRoots }: Validation): boolean =>
  authorities !== undefined || systemRoots;

/** Whether anything is verified. */
export function verifies(validation: Validation): boolean {
  return trustsSomebody(validation) || validation.keys.length > 0 || validation.hashes.length > 0;
}

/** `more` over `base`: lists of both, single values of `more` where it has them. */
export function combined(base: Validation, more: Validation): Validation {
  return {
    authorities: more.authorities ?? base.authorities,
    systemRoots: more.systemRoots || base.systemRoots,
    revoked: more.revoked || base.revoked,
    keys: [...base.keys, ...more.keys],
    hashes: [...base.hashes, ...more.hashes],
    names: [...base.names, ...more.names],
    allowExpired: more.allowExpired || base.allowExpired,
    acceptUntrusted: more.acceptUntrusted || base.acceptUntrusted,
  };
}

const UNSUPPORTED = [
  'ca_certificate_provider_instance',
  'custom_validator_config',
  'only_verify_leaf_cert_crl',
  'max_verify_depth',
];

/** `alone`: nothing is combined with it, so that names without an authority are a mistake. */
export function readValidation(fields: Fields, alone = true): Validation {
  fields.unsupported(...UNSUPPORTED);
  if (fields.flag('require_signed_certificate_timestamp'))
    fields.problem('require_signed_certificate_timestamp', 'is not supported by ciliate-proxy', 'false');
  fields.message('watched_directory', (inner) => inner.required('path'));
  const names = [
    ...fields.list('match_typed_subject_alt_names', readTypedName),
    ...fields.list('match_subject_alt_names', (inner) => readAnyName(inner)),
  ];
  const authorities = readAuthorities(fields);
  const systemRoots = fields.message('system_root_certs', () => true) ?? false;
  const validation = {
    authorities,
    systemRoots,
    revoked: readRevoked(fields),
    keys: fields.strings('verify_certificate_spki'),
    hashes: fields.strings('verify_certificate_hash').map(plainHex),
    names,
    allowExpired: fields.flag('allow_expired_certificate'),
    acceptUntrusted:
      fields.choice('trust_chain_verification', ['VERIFY_TRUST_CHAIN', 'ACCEPT_UNTRUSTED']) === 'ACCEPT_UNTRUSTED',
  };
  for (const [index, key] of validation.keys.entries())
    if (Buffer.from(key, 'base64').length !== 32)
      fields.problem(`verify_certificate_spki[${index}]`, 'Invalid base64-encoded SHA-256');
  for (const [index, hash] of validation.hashes.entries())
    if (!/^[0-9a-f]{64}$/.test(hash))
      fields.problem(`verify_certificate_hash[${index}]`, 'Invalid hex-encoded SHA-256');
  if (alone && names.length > 0 && authorities === undefined && !systemRoots)
    fields.problem(
      'match_typed_subject_alt_names',
      'SAN-based verification of peer certificates without trusted CA is insecure and not allowed',
    );
  return validation;
}

function readAuthorities(fields: Fields): string | undefined {
  const pem = fields.message('trusted_ca', readDataSource);
  if (pem === undefined || pem === '') return undefined;
  if (isCertificate(pem)) return pem;
  fields.problem('trusted_ca', `Failed to load trusted CA certificates from ${placeOf(fields, 'trusted_ca')}`);
  return undefined;
}

function readRevoked(fields: Fields): string {
  const pem = fields.message('crl', readDataSource) ?? '';
  if (pem !== '' && !/-----BEGIN X509 CRL-----/.test(pem))
    fields.problem('crl', `Failed to load CRL from ${placeOf(fields, 'crl')}`);
  return pem;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function readAnyName(fields: Fields): NameTest {
  const test = nameTest(fields, 'DNS');
  const other = readStringMatcher(fields);
  return (name) => (name.kind === 'DNS' ? test(name.value) : other(name.value));
}

export function readTypedName(fields: Fields): NameTest {
  const kind = fields.choice<NameKind | 'SAN_TYPE_UNSPECIFIED'>('san_type', [
    'SAN_TYPE_UNSPECIFIED',
    'EMAIL',
    'DNS',
    'URI',
    'IP_ADDRESS',
  ]);
  if (kind === 'SAN_TYPE_UNSPECIFIED') fields.problem('san_type', 'value is required', 'EMAIL, DNS, URI, IP_ADDRESS');
  fields.unsupported('oid');
  const test = fields.message('matcher', (inner) => nameTest(inner, kind));
  if (!test) fields.problem('matcher', 'value is required');
  return (name) => name.kind === kind && (test?.(name.value) ?? false);
}

/** A DNS name that is asked for exactly may be that of a wildcard in the certificate. */
function nameTest(fields: Fields, kind: string): (value: string) => boolean {
  const test = readStringMatcher(fields);
  const exact = isObject(fields.json) ? fields.json['exact'] : undefined;
  if (typeof exact !== 'string') return test;
  if (kind === 'DNS') return (value) => dnsNameMatches(value, exact);
  if (kind === 'IP_ADDRESS' && net.isIPv6(exact)) return (value) => sameAddress(value, exact);
  return test;
}

function sameAddress(left: string, right: string): boolean {
  const list = new net.BlockList();
  if (!net.isIPv6(left)) return false;
  list.addAddress(right, 'ipv6');
  return list.check(left, 'ipv6');
}
