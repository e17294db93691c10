import type { X509Certificate } from 'node:crypto';

/** Kinds of subject alternative names that certificates are asked for. */
export type NameKind = 'DNS' | 'URI' | 'EMAIL' | 'IP_ADDRESS';

export interface AlternativeName {
  readonly kind: NameKind;
  readonly value: string;
}

const KINDS: Readonly<Record<string, NameKind>> = {
  DNS: 'DNS',
  URI: 'URI',
  email: 'EMAIL',
  'IP Address': 'IP_ADDRESS',
};
/** One entry as Node writes it: what has a comma or a quote in it stands as a JSON string. */
const ENTRY = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** The subject alternative names of a certificate, in their order; other kinds than these are left out. */
export function alternativeNames(certificate: X509Certificate): readonly AlternativeName[] {
  const text = certificate.subjectAltName ?? '';
  return [...text.matchAll(ENTRY)].flatMap(([, kind = '', value = '']) => {
    const known = KINDS[kind];
    return known ? [{ kind: known, value: value.startsWith('"') ? unquoted(value) : value }] : [];
  });
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    return '';
  }
}

/** Whether a DNS name of a certificate, which may begin with `*.`, stands for `name`; a wildcard stands for one label. */
export function dnsNameMatches(pattern: string, name: string): boolean {
  const wanted = name.toLowerCase();
  const given = pattern.toLowerCase();
  if (given === wanted) return true;
  if (!given.startsWith('*.')) return false;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === given.slice(1);
}

const valuesOf = new WeakMap<X509Certificate, readonly AlternativeName[]>();

/** The names of one kind that a certificate has; none without one. */
export function namesOfKind(certificate: X509Certificate | undefined, kind: NameKind): readonly string[] {
  if (!certificate) return [];
  const names = valuesOf.get(certificate) ?? alternativeNames(certificate);
  valuesOf.set(certificate, names);
  return names.flatMap((name) => (name.kind === kind ? [name.value] : []));
}

/** A distinguished name as RFC 2253 writes it, the last part first: `CN=client,O=Mesh`. */
export function distinguishedName(text: string): string {
  return text.split('\n').reverse().join(',');
}

/** A fingerprint as Node and configurations write it, without colons and in lower case. */
export const plainHex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();
