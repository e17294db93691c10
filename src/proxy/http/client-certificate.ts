import type { Fields } from '../config/fields.ts';
import { encodedPem } from '../format/tls-commands.ts';
import type { TlsInfo } from '../tls/info.ts';
import { distinguishedName, namesOfKind } from '../tls/names.ts';
import type { HeaderMap } from './headers.ts';

const XFCC = 'x-forwarded-client-cert';

/** What becomes of `x-forwarded-client-cert`: `forward_client_cert_details` and `set_current_client_cert_details`. */
export interface ClientCertificatePolicy {
  readonly forward: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
  readonly cert: boolean;
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
}

const NO_DETAILS = { cert: false, subject: false, uri: false, dns: false };

export function readClientCertificate(fields: Fields): ClientCertificatePolicy {
  const forward = fields.choice('forward_client_cert_details', [
    'SANITIZE',
    'FORWARD_ONLY',
    'APPEND_FORWARD',
    'SANITIZE_SET',
    'ALWAYS_FORWARD_ONLY',
  ]);
  const details = fields.message('set_current_client_cert_details', (inner) => {
    if (inner.flag('chain')) inner.problem('chain', 'is not supported by ciliate-proxy', 'false');
    return {
      cert: inner.flag('cert'),
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

function describe({ peer, own }: TlsInfo, { cert, subject, uri, dns }: ClientCertificatePolicy): string {
  if (!peer) return '';
  const [by] = namesOfKind(own, 'URI');
  const uris = namesOfKind(peer, 'URI');
  const parts = [
    ...(by === undefined ? [] : [`By=${by}`]),
    `Hash=${peer.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    ...(cert ? [`Cert="${encodedPem(peer)}"`] : []),
    ...(subject ? [`Subject="${distinguishedName(peer.subject).replaceAll('"', '\\"')}"`] : []),
    ...(uri ? (uris.length > 0 ? uris : ['']).map((one) => `URI=${one}`) : []),
    ...(dns ? namesOfKind(peer, 'DNS').map((one) => `DNS=${one}`) : []),
  ];
  return parts.join(';').replace(/[^\x20-\x7e\x80-\xff]/g, '');
}
