import { type FileSource, readResourceSource } from '../config/config-source.ts';
import { readDataSource } from '../config/data-source.ts';
import type { Fields } from '../config/fields.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { readValidation, type Validation } from './validation.ts';

/** A compiled `envoy.extensions.transport_sockets.tls.v3.Secret`. */
export type Secret =
  | { readonly kind: 'tls_certificate'; readonly value: Certificate }
  | { readonly kind: 'validation_context'; readonly value: Validation }
  | { readonly kind: 'session_ticket_keys'; readonly value: readonly Buffer[] }
  | { readonly kind: 'generic_secret'; readonly value: string };

export type SecretKind = Secret['kind'];

/** What a name stands for at the moment; undefined until it has come. Each version is an object of its own. */
export interface SecretCell {
  readonly secret: Secret | undefined;
}

export interface SecretOptions {
  readonly kind: SecretKind;
  /** `initial_fetch_timeout` in milliseconds; 0: it is waited for without end. */
  readonly timeoutMs: number;
  /** Undefined: it comes by the aggregated stream. */
  readonly file: FileSource | undefined;
}

/** Where configurations have secrets from. */
export interface SecretReader {
  discover(name: string, options: SecretOptions): SecretCell;
  /** Those of the bootstrap. */
  fixed(name: string): SecretCell | undefined;
}

export function readSecret(fields: Fields): Secret | undefined {
  fields.ignore('name');
  const kind = fields.oneOf<SecretKind>('type', [
    'tls_certificate',
    'validation_context',
    'session_ticket_keys',
    'generic_secret',
  ]);
  switch (kind) {
    case 'tls_certificate': {
      const value = fields.message(kind, readCertificate);
      return value && { kind, value };
    }
    case 'validation_context': {
      const value = fields.message(kind, (inner) => readValidation(inner, false));
      return value && { kind, value };
    }
    case 'session_ticket_keys': {
      const value = fields.message(kind, readTicketKeys);
      return value && { kind, value };
    }
    case 'generic_secret': {
      const value = fields.message(kind, readGeneric);
      return value === undefined ? undefined : { kind, value };
    }
    default:
      return undefined;
  }
}

/** Bytes of a key as Envoy has them: its name, and one for signing and one for encrypting. */
const TICKET_KEY_LENGTH = 80;

/** Reads an `envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys`. */
export function readTicketKeys(fields: Fields): readonly Buffer[] {
  const keys = fields.list('keys', (source) => Buffer.from(readDataSource(source), 'latin1'));
  for (const [index, key] of keys.entries()) {
    if (key.length === TICKET_KEY_LENGTH) continue;
    const fault = `Incorrect TLS session ticket key length. Length ${key.length}, expected length ${TICKET_KEY_LENGTH}.`;
    fields.problem(`keys[${index}]`, fault);
  }
  if (keys.length === 0) fields.problem('keys', 'value must contain at least 1 item(s)');
  return keys;
}

function readGeneric(fields: Fields): string {
  if (fields.has('secrets')) fields.problem('secrets', 'is not supported by ciliate-proxy', 'secret');
  return fields.message('secret', readDataSource) ?? '';
}

type ValueOf<K extends SecretKind> = Extract<Secret, { readonly kind: K }>['value'];

/** Reads an `SdsSecretConfig`; what comes of it gives the secret as it is when it is asked. */
export function readSecretConfig<K extends SecretKind>(
  fields: Fields,
  kind: K,
  secrets: SecretReader,
): () => ValueOf<K> | undefined {
  const name = fields.required('name');
  const source = fields.message('sds_config', readResourceSource);
  const cell = source
    ? secrets.discover(name, { kind, timeoutMs: source.fetchTimeout, file: source.file })
    : secrets.fixed(name);
  if (!cell) fields.problem('name', `Unknown static secret: ${name}`);
  else if (!source && cell.secret?.kind !== kind) fields.problem('name', `the static secret ${name} is no ${kind}`);
  return () => (cell?.secret?.kind === kind ? (cell.secret.value as ValueOf<K>) : undefined);
}
