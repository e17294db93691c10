import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { PolicyObject, TlsContext } from '../model/cilium/index.ts';
import type { JsonObject } from './node-plan.ts';
import { entriesOf, notFound, portRules, type SecretLookup } from './policy-secrets.ts';
import type { Secret } from './world.ts';

/** The side of TLS that the proxy stands on: the server's towards clients, the client's towards destinations. */
export type TlsSide = 'terminating' | 'originating';

/** An `envoy.extensions.transport_sockets.tls.v3.Secret` made of a Kubernetes Secret, or why there is none. */
export type TlsMaterial =
  | { readonly resource: JsonObject }
  | {
      readonly fault: string;
      /** The field of the TLS context that it is about. */
      readonly field: 'secret' | 'trustedCA' | 'certificate' | 'privateKey';
    };

/** The entries that a Secret for TLS has where nothing else is said. */
export const tlsEntries = { trustedCA: 'ca.crt', certificate: 'tls.crt', privateKey: 'tls.key' } as const;

/**
 * What a policy's TLS context takes from its Secret: certificate and key to end TLS with, the authorities that certificates of
 * destinations must come from to begin it. The words on missing entries are those of Cilium (`pkg/crypto/certificatemanager`, and
 * `getCerts` of `pkg/policy`).
 */
export function tlsMaterial(side: TlsSide, context: TlsContext, secretOf: SecretLookup): TlsMaterial {
  const secret = secretOf(context.secret);
  if (!secret) return { field: 'secret', fault: notFound(context.secret.name) };
  return remembered(secret, JSON.stringify([side, context]), () => materialOf(side, context, secret));
}

const materials = new WeakMap<Secret, Map<string, TlsMaterial>>();

/** What is made of a Secret for a purpose, once: many rules may name it, and a bundle of public authorities is long. */
export function remembered(secret: Secret, purpose: string, make: () => TlsMaterial): TlsMaterial {
  const known = materials.get(secret) ?? new Map<string, TlsMaterial>();
  materials.set(secret, known);
  const made = known.get(purpose) ?? make();
  known.set(purpose, made);
  return made;
}

function materialOf(side: TlsSide, context: TlsContext, secret: Secret): TlsMaterial {
  const entries = entriesOf(secret);
  const place = `${context.secret.namespace}/${context.secret.name}`;
  for (const [field, what] of askedEntries) {
    const key = context[field];
    if (key !== undefined && !entries.has(key)) return { field, fault: `${what} ${key} not found in secret ${place}` };
  }
  const { trustedCA, certificate, privateKey } = { ...tlsEntries, ...context };
  if (![trustedCA, certificate, privateKey].some((key) => entries.has(key)))
    return { field: 'secret', fault: `TLS certificates not found in secret ${place}` };
  const name = tlsSecretName(side, context);
  for (const field of side === 'terminating' ? (['certificate', 'privateKey'] as const) : (['trustedCA'] as const)) {
    const key = { certificate, privateKey, trustedCA }[field];
    if (!entries.has(key)) return { field, fault: `${missing[side]}: no ${key} in secret ${place}` };
  }
  return side === 'terminating'
    ? serverCertificate(secret, { name, certificate, privateKey })
    : authorities(secret, { name, trustedCA });
}

const missing = {
  terminating: 'Terminating TLS context is missing certs',
  originating: 'Originating TLS context is missing CA certs',
} as const;

const askedEntries = [
  ['trustedCA', 'Trusted CA'],
  ['certificate', 'Certificate'],
  ['privateKey', 'Private Key'],
] as const;

/** The name under which the data plane asks for it. */
export function tlsSecretName(side: TlsSide, context: TlsContext): string {
  const { secret, trustedCA, certificate, privateKey } = { ...tlsEntries, ...context };
  const keys = side === 'terminating' ? [certificate, privateKey] : [trustedCA];
  return ['policy-tls', secret.namespace, secret.name, ...keys].join('/');
}

/** A certificate with its key, of these entries of a Secret. */
export function serverCertificate(
  secret: Secret,
  { name, certificate, privateKey }: Record<'name' | 'certificate' | 'privateKey', string>,
): TlsMaterial {
  const entries = entriesOf(secret);
  const place = placeOf(secret);
  const [chain = '', key = ''] = [entries.get(certificate), entries.get(privateKey)];
  const [leaf] = readCertificates(chain) ?? [];
  if (!leaf) return { field: 'certificate', fault: `${certificate} of secret ${place} is no certificate in PEM` };
  const own = keyIn(key);
  if (!own) return { field: 'privateKey', fault: `${privateKey} of secret ${place} is no private key in PEM` };
  if (!leaf.checkPrivateKey(own))
    return { field: 'privateKey', fault: `${privateKey} of secret ${place} is not the key of ${certificate}` };
  const tls_certificate = { certificate_chain: { inline_string: chain }, private_key: { inline_string: key } };
  return { resource: { name, tls_certificate } };
}

/** The authorities in one entry of a Secret. */
export function authorities(secret: Secret, { name, trustedCA }: Record<'name' | 'trustedCA', string>): TlsMaterial {
  const bundle = entriesOf(secret).get(trustedCA) ?? '';
  const place = placeOf(secret);
  if (!readCertificates(bundle))
    return { field: 'trustedCA', fault: `${trustedCA} of secret ${place} is no certificate in PEM` };
  return { resource: { name, validation_context: { trusted_ca: { inline_string: bundle } } } };
}

function placeOf({ metadata }: Secret): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** Undefined when there is none, or one that cannot be read. */
function readCertificates(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  try {
    return blocks?.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function keyIn(pem: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** What of a policy's TLS contexts cannot work at the moment, by field path. */
export function tlsSecretFaults(policy: PolicyObject, secretOf: SecretLookup): readonly string[] {
  return portRules(policy).flatMap(({ fieldPath, terminatingTls, originatingTls }) => [
    ...contextFault(`${fieldPath}.terminatingTLS`, 'terminating', terminatingTls, secretOf),
    ...contextFault(`${fieldPath}.originatingTLS`, 'originating', originatingTls, secretOf),
  ]);
}

function contextFault(
  path: string,
  side: TlsSide,
  context: TlsContext | undefined,
  secretOf: SecretLookup,
): readonly string[] {
  const found = context && tlsMaterial(side, context, secretOf);
  return found && 'fault' in found ? [`${path}.${found.field}: ${found.fault}: TLS is refused`] : [];
}
