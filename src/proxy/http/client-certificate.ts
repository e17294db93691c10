import type { X509Certificate } from 'node:crypto';
import type { Fields } from '../config/fields.ts';
import { encodedPem } from '../format/tls-commands.ts';
import type { TlsInfo } from '../tls/info.ts';
import { distinguishedName, namesOfKind, plainHex } from '../tls/names.ts';
import type { HeaderMap } from './headers.ts';

const XFCC = 'x-forwarded-client-cert';

/** What becomes of `x-forwarded-client-cert`: `forward_client_cert_details` and `set_current_client_cert_details`. */
export interface ClientCertificatePolicy {
  readonly forward: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
  readonly cert: boolean;
  readonly chain: boolean;
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
}

const NO_DETAILS = { cert: false, chain: false, subject: false, uri: false, dns: false };

export function readClientCertificate(fields: Fields): ClientCertificatePolicy {
  const forward = fields.choice('forward_client_cert_details', [
    'SANITIZE',
    'FORWARD_ONLY',
    'APPEND_FORWARD',
    'SANITIZE_SET',
    'ALWAYS_FORWARD_ONLY',
  ]);
  const details = fields.message('set_current_client_cert_details', (inner) => {
    return {
      cert: inner.flag('cert'),
      chain: inner.flag('chain'),
      subject: inner.boolean('subject') ?? false,
      uri: inner.flag('uri'),
      dns: inner.flag('dns'),
    };
  });
  return { forward, ...(details ?? NO_DETAILS) };
}

/** Without a client certificate only `ALWAYS_FORWARD_ONLY` lets the header through. */
export function shapeClientCertificate(
  headers: HeaderMap,
  policy: ClientCertificatePolicy,
  tls: TlsInfo | undefined,
): void {
  if (policy.forward === 'ALWAYS_FORWARD_ONLY') return;
  if (policy.forward === 'SANITIZE' || !tls?.peer) {
    headers.remove(XFCC);
    return;
  }
  if (policy.forward === 'FORWARD_ONLY') return;
  const own = detailsOf(tls, policy);
  const before = policy.forward === 'APPEND_FORWARD' ? headers.joined(XFCC) : undefined;
  headers.set(XFCC, before ? `${before},${own}` : own);
}

const written = new WeakMap<TlsInfo, { readonly policy: ClientCertificatePolicy; readonly text: string }>();

/** Made once for a connection. */
function detailsOf(tls: TlsInfo, policy: ClientCertificatePolicy): string {
  const known = written.get(tls);
  if (known?.policy === policy) return known.text;
  const text = describe(tls, policy);
  written.set(tls, { policy, text });
  return text;
}

function describe({ peer, own }: TlsInfo, { cert, chain, subject, uri, dns }: ClientCertificatePolicy): string {
  if (!peer) return '';
  const [by] = namesOfKind(own, 'URI');
  const uris = namesOfKind(peer, 'URI');
  const parts = [
    ...(by === undefined ? [] : [`By=${by}`]),
    `Hash=${plainHex(peer.fingerprint256)}`,
    ...(cert ? [`Cert="${encodedPem(peer)}"`] : []),
    ...(chain ? [`Chain="${chainOf(peer).map(encodedPem).join('')}"`] : []),
    ...(subject ? [`Subject="${distinguishedName(peer.subject).replaceAll('"', '\\"')}"`] : []),
    ...(uri ? (uris.length > 0 ? uris : ['']).map((one) => `URI=${one}`) : []),
    ...(dns ? namesOfKind(peer, 'DNS').map((one) => `DNS=${one}`) : []),
  ];
  return parts.join(';').replace(/[^\x20-\x7e\x80-\xff]/g, '');
}

/** The certificate and those that it was signed with, without the root, which clients do not send. */
function chainOf(peer: X509Certificate): readonly X509Certificate[] {
  const chain = [peer];
  for (let next = peer.issuerCertificate; next && next.subject !== next.issuer; next = next.issuerCertificate) {
    if (chain.length === MOST_IN_CHAIN) break;
    chain.push(next);
  }
  return chain;
}

const MOST_IN_CHAIN = 16;
