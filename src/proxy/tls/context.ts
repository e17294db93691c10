import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Fields } from '../config/fields.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { defaultParameters, type Parameters, readParameters, type Side } from './parameters.ts';
import { readSecretConfig, type SecretReader } from './secret.ts';
import { combined, NO_VALIDATION, readValidation, type Validation } from './validation.ts';

/** A compiled `CommonTlsContext`; secrets are undefined while they are not there. */
export interface CommonTls {
  readonly parameters: Parameters;
  readonly certificates: readonly (() => Certificate | undefined)[];
  readonly validation: () => Validation | undefined;
  /** ALPN, the preferred one first. */
  readonly protocols: readonly string[];
}

export const noCommon = (side: Side): CommonTls => ({
  parameters: defaultParameters(side),
  certificates: [],
  validation: () => NO_VALIDATION,
  protocols: [],
});

const UNSUPPORTED = [
  'tls_certificate_certificate_provider',
  'tls_certificate_certificate_provider_instance',
  'tls_certificate_provider_instance',
  'validation_context_certificate_provider',
  'validation_context_certificate_provider_instance',
  'custom_handshaker',
  'custom_tls_certificate_selector',
  'key_log',
];

export function readCommon(fields: Fields, secrets: SecretReader, side: Side): CommonTls {
  fields.unsupported(...UNSUPPORTED);
  const inline = fields.list('tls_certificates', readCertificate);
  const discovered = fields.list('tls_certificate_sds_secret_configs', (inner) =>
    readSecretConfig(inner, 'tls_certificate', secrets),
  );
  return {
    parameters: fields.message('tls_params', (inner) => readParameters(inner, side)) ?? defaultParameters(side),
    // Those that stand inline go before those that are discovered, which are not looked at then.
    certificates: inline.length > 0 ? inline.map((one) => () => one) : discovered,
    validation: readAnyValidation(fields, secrets),
    protocols: fields.strings('alpn_protocols'),
  };
}

function readAnyValidation(fields: Fields, secrets: SecretReader): () => Validation | undefined {
  const inline = fields.message('validation_context', (inner) => readValidation(inner));
  const discovered = fields.message('validation_context_sds_secret_config', (inner) =>
    readSecretConfig(inner, 'validation_context', secrets),
  );
  const both = fields.message('combined_validation_context', (inner) => readCombined(inner, secrets));
  return both ?? discovered ?? (() => inline ?? NO_VALIDATION);
}

function readCombined(fields: Fields, secrets: SecretReader): () => Validation | undefined {
  fields.unsupported(...UNSUPPORTED);
  const base = fields.message('default_validation_context', (inner) => readValidation(inner, false)) ?? NO_VALIDATION;
  const more = fields.message('validation_context_sds_secret_config', (inner) =>
    readSecretConfig(inner, 'validation_context', secrets),
  );
  if (!more) fields.problem('validation_context_sds_secret_config', 'value is required');
  let last: { readonly from: Validation; readonly whole: Validation } | undefined;
  return () => {
    const from = more?.();
    if (!from) return undefined;
    if (last?.from !== from) last = { from, whole: combined(base, from) };
    return last.whole;
  };
}

/** PEM of the authorities that are trusted. */
export function rootsOf({ authorities, systemRoots }: Validation): readonly string[] {
  const roots = systemRoots ? rootCertificates : [];
  return authorities === undefined ? roots : [authorities, ...roots];
}

/** A context of Node's for certificates, the first of which decides where several would do, and what the other side is held to. */
export function secureContext(
  { parameters }: CommonTls,
  certificates: readonly Certificate[],
  validation: Validation,
  more: SecureContextOptions = {},
): SecureContext {
  const { revoked } = validation;
  const { sigalgs, ...others } = parameters;
  return createSecureContext({
    ...others,
    ...(sigalgs === undefined ? {} : { sigalgs }),
    cert: certificates.map(({ chain }) => chain),
    key: certificates.map(({ key }) => key),
    // An empty list, where nothing is said: Node's own would be trusted otherwise.
    ca: [...rootsOf(validation)],
    ...(revoked === '' ? {} : { crl: revoked }),
    ...more,
  });
}
