import type { X509Certificate } from 'node:crypto';
import type { StreamInfo } from '../http/stream-info.ts';
import type { TlsInfo } from '../tls/info.ts';
import { distinguishedName, type NameKind, namesOfKind, plainHex } from '../tls/names.ts';
import { alone, type Command, type CommandKind } from './command.ts';

type Side = (info: StreamInfo) => TlsInfo | undefined;

const downstream: Side = ({ peers }) => peers.tls;
const upstream: Side = ({ upstreamTls }) => upstreamTls;

const ofSide =
  (side: Side, value: (tls: TlsInfo) => string | undefined): Command =>
  (info) => {
    const tls = side(info);
    return (tls && value(tls)) || undefined;
  };
const ofPeer = (side: Side, value: (peer: X509Certificate) => string): Command =>
  ofSide(side, ({ peer }) => peer && value(peer));
const ofOwn = (side: Side, value: (own: X509Certificate) => string): Command =>
  ofSide(side, ({ own }) => own && value(own));
const names =
  (kind: NameKind) =>
  (certificate: X509Certificate): string =>
    namesOfKind(certificate, kind).join(',');

/** A certificate in PEM as `x-forwarded-client-cert` and logs carry it, without what has a meaning in either. */
export function encodedPem(certificate: X509Certificate): string {
  return certificate.toString().replace(/[\n +/=]/g, (character) => ESCAPES[character] ?? character);
}
const ESCAPES: Readonly<Record<string, string>> = { '\n': '%0A', ' ': '%20', '+': '%2B', '/': '%2F', '=': '%3D' };

/** Known to Envoy, and nothing here tells it: those of the chain, of sessions, and of what Node does not say of a handshake. */
const UNKNOWN =
  'DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 ' +
  'DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL ' +
  'DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_TLS_GROUP DOWNSTREAM_TLS_SESSION_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT ' +
  'UPSTREAM_SERVER_NAME UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID';

/** Commands about encrypted connections. Names and meaning as in Envoy's access log documentation. */
export const TLS_COMMANDS: Readonly<Record<string, CommandKind>> = {
  ...Object.fromEntries(UNKNOWN.split(' ').map((name) => [name, alone(() => undefined)])),
  DOWNSTREAM_TLS_VERSION: alone(ofSide(downstream, ({ version }) => version)),
  DOWNSTREAM_TLS_CIPHER: alone(ofSide(downstream, ({ cipher }) => cipher)),
  DOWNSTREAM_LOCAL_SUBJECT: alone(ofOwn(downstream, ({ subject }) => distinguishedName(subject))),
  DOWNSTREAM_LOCAL_DNS_SAN: alone(ofOwn(downstream, names('DNS'))),
  DOWNSTREAM_LOCAL_EMAIL_SAN: alone(ofOwn(downstream, names('EMAIL'))),
  DOWNSTREAM_LOCAL_IP_SAN: alone(ofOwn(downstream, names('IP_ADDRESS'))),
  DOWNSTREAM_LOCAL_URI_SAN: alone(ofOwn(downstream, names('URI'))),
  DOWNSTREAM_PEER_CERT: alone(ofPeer(downstream, encodedPem)),
  DOWNSTREAM_PEER_DNS_SAN: alone(ofPeer(downstream, names('DNS'))),
  DOWNSTREAM_PEER_EMAIL_SAN: alone(ofPeer(downstream, names('EMAIL'))),
  DOWNSTREAM_PEER_IP_SAN: alone(ofPeer(downstream, names('IP_ADDRESS'))),
  DOWNSTREAM_PEER_URI_SAN: alone(ofPeer(downstream, names('URI'))),
  DOWNSTREAM_PEER_FINGERPRINT_1: alone(ofPeer(downstream, ({ fingerprint }) => plainHex(fingerprint))),
  DOWNSTREAM_PEER_FINGERPRINT_256: alone(ofPeer(downstream, ({ fingerprint256 }) => plainHex(fingerprint256))),
  DOWNSTREAM_PEER_ISSUER: alone(ofPeer(downstream, ({ issuer }) => distinguishedName(issuer))),
  DOWNSTREAM_PEER_SERIAL: alone(ofPeer(downstream, ({ serialNumber }) => serialNumber.toLowerCase())),
  DOWNSTREAM_PEER_SUBJECT: alone(ofPeer(downstream, ({ subject }) => distinguishedName(subject))),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: alone(
    ({ downstreamFailure }) => downstreamFailure.replaceAll(' ', '_') || undefined,
  ),
  UPSTREAM_TLS_VERSION: alone(ofSide(upstream, ({ version }) => version)),
  UPSTREAM_TLS_CIPHER: alone(ofSide(upstream, ({ cipher }) => cipher)),
  UPSTREAM_LOCAL_DNS_SAN: alone(ofOwn(upstream, names('DNS'))),
  UPSTREAM_LOCAL_IP_SAN: alone(ofOwn(upstream, names('IP_ADDRESS'))),
  UPSTREAM_LOCAL_URI_SAN: alone(ofOwn(upstream, names('URI'))),
  UPSTREAM_PEER_CERT: alone(ofPeer(upstream, encodedPem)),
  UPSTREAM_PEER_DNS_SAN: alone(ofPeer(upstream, names('DNS'))),
  UPSTREAM_PEER_IP_SAN: alone(ofPeer(upstream, names('IP_ADDRESS'))),
  UPSTREAM_PEER_URI_SAN: alone(ofPeer(upstream, names('URI'))),
  UPSTREAM_PEER_ISSUER: alone(ofPeer(upstream, ({ issuer }) => distinguishedName(issuer))),
  UPSTREAM_PEER_SUBJECT: alone(ofPeer(upstream, ({ subject }) => distinguishedName(subject))),
};
