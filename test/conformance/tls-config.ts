import { authority, type TestCertificate } from '../../src/proxy/testing/certificates.ts';
import { typed } from './config.ts';
import type { Json } from './types.ts';

const sockets = 'envoy.extensions.transport_sockets';

export const inlined = (text: string): Json => ({ inline_string: text });
export const certificateOf = ({ certificate, key }: TestCertificate): Json => ({
  certificate_chain: inlined(certificate),
  private_key: inlined(key),
});
/** Whoever the test authority signed. */
export const trusted = (more: Json = {}): Json => ({ trusted_ca: inlined(authority), ...more });

/** A transport socket of a filter chain that shows these certificates. */
export const downstreamTls = (certificates: readonly TestCertificate[], common: Json = {}, more: Json = {}): Json => ({
  name: 'tls',
  typed_config: typed(`${sockets}.tls.v3.DownstreamTlsContext`, {
    common_tls_context: { tls_certificates: certificates.map(certificateOf), ...common },
    ...more,
  }),
});

/** A transport socket of a cluster. */
export const upstreamTls = (common: Json = {}, more: Json = {}): Json => ({
  name: 'tls',
  typed_config: typed(`${sockets}.tls.v3.UpstreamTlsContext`, { common_tls_context: common, ...more }),
});
