import type { SecureVersion } from 'node:tls';
import type { Fields } from '../config/fields.ts';

/** What a handshake may agree on, in the words of Node. */
export interface Parameters {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  readonly ciphers: string;
  readonly ecdhCurve: string;
  readonly sigalgs: string | undefined;
}

/** What TLS 1.3 has cannot be configured, in Envoy neither. */
const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
/** Envoy's default below TLS 1.3. */
const DEFAULT_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
];
/** Those that Envoy's library knows and Node has. */
const KNOWN_CIPHERS = new Set([
  ...DEFAULT_CIPHERS,
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'ECDHE-RSA-AES128-SHA256',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
]);
const CURVES = new Set(['X25519', 'P-256', 'P-384', 'P-521', 'X25519MLKEM768']);
const DEFAULT_CURVES = ['X25519', 'P-256'];
const SIGNATURES = new Set([
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'ed25519',
]);
const VERSIONS = { TLS_AUTO: undefined, TLSv1_2: 'TLSv1.2', TLSv1_3: 'TLSv1.3' } as const;

/** `side`: whose parameters they are; hosts are offered TLS 1.3 only where that is said, as by Envoy. */
export type Side = 'downstream' | 'upstream';

const NEWEST = { downstream: 'TLSv1.3', upstream: 'TLSv1.2' } as const;

export const defaultParameters = (side: Side): Parameters => ({
  minVersion: 'TLSv1.2',
  maxVersion: NEWEST[side],
  ciphers: [...TLS13_CIPHERS, ...DEFAULT_CIPHERS].join(':'),
  ecdhCurve: DEFAULT_CURVES.join(':'),
  sigalgs: undefined,
});

/** Reads an `envoy.extensions.transport_sockets.tls.v3.TlsParameters`. */
export function readParameters(fields: Fields, side: Side): Parameters {
  const ciphers = readCiphers(fields);
  const curves = known(fields, 'ecdh_curves', CURVES, 'Failed to initialize ECDH curves');
  const signatures = known(fields, 'signature_algorithms', SIGNATURES, 'Failed to initialize TLS signature algorithms');
  if (fields.items('compliance_policies').length > 0)
    fields.problem('compliance_policies', 'is not supported by ciliate-proxy', 'unset');
  const minVersion = readVersion(fields, 'tls_minimum_protocol_version') ?? 'TLSv1.2';
  const newest = minVersion === 'TLSv1.3' ? minVersion : NEWEST[side];
  const maxVersion = readVersion(fields, 'tls_maximum_protocol_version') ?? newest;
  if (minVersion > maxVersion)
    fields.problem('tls_maximum_protocol_version', `found ${maxVersion}`, `${minVersion} or newer`);
  return {
    minVersion,
    maxVersion,
    ciphers: [...TLS13_CIPHERS, ...(ciphers.length > 0 ? ciphers : DEFAULT_CIPHERS)].join(':'),
    ecdhCurve: (curves.length > 0 ? curves : DEFAULT_CURVES).join(':'),
    sigalgs: signatures.length > 0 ? signatures.join(':') : undefined,
  };
}

function readVersion(fields: Fields, key: string): 'TLSv1.2' | 'TLSv1.3' | undefined {
  return VERSIONS[fields.choice(key, ['TLS_AUTO', 'TLSv1_2', 'TLSv1_3'])];
}

/** Each entry is a list of ciphers or groups of equal preference, `[A|B]`; here those of a group are preferred in their order. */
function readCiphers(fields: Fields): readonly string[] {
  const out: string[] = [];
  for (const [index, entry] of fields.strings('cipher_suites').entries()) {
    for (const name of entry.split(':').flatMap((part) => part.replace(/^\[(.*)\]$/, '$1').split('|'))) {
      if (KNOWN_CIPHERS.has(name)) out.push(name);
      else
        fields.problem(
          `cipher_suites[${index}]`,
          `Failed to initialize cipher suites ${entry}. The following ciphers were rejected when tried individually: ${name}`,
          [...KNOWN_CIPHERS].join(', '),
        );
    }
  }
  return out;
}

function known(fields: Fields, key: string, names: ReadonlySet<string>, fault: string): readonly string[] {
  const given = fields.strings(key).flatMap((entry) => entry.split(':'));
  for (const name of given) if (!names.has(name)) fields.problem(key, `${fault} ${name}`, [...names].join(', '));
  return given;
}
