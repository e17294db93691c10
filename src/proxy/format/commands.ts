import { fail, type Result } from '../../base/index.ts';
import { ATTEMPT_COMMANDS } from './attempt-commands.ts';
import { BYTE_COMMANDS } from './byte-commands.ts';
import { alone, type Command, type CommandKind, checkForm } from './command.ts';
import { HTTP_COMMANDS } from './http-commands.ts';
import { METADATA_COMMANDS } from './metadata-commands.ts';
import { STREAM_COMMANDS } from './stream-commands.ts';
import { TIME_COMMANDS } from './time-commands.ts';

/** What is empty on a connection without TLS, the only kind there is. */
const OF_TLS = (
  'DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN ' +
  'DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 ' +
  'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN ' +
  'DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER ' +
  'DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_PEER_OTHERNAME_SAN ' +
  'DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP ' +
  'DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON TLS_JA3_FINGERPRINT ' +
  'TLS_JA4_FINGERPRINT UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_URI_SAN UPSTREAM_PEER_CERT ' +
  'UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN ' +
  'UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_VERSION ' +
  // Spans are not recorded, and QUIC is not spoken.
  'TRACE_ID SPAN_ID ROUNDTRIP_DURATION DOWNSTREAM_HANDSHAKE_DURATION'
).split(' ');

/** Known to Envoy 1.40, and not here. */
const UNSUPPORTED = new Set(
  'CEL COALESCE DOWNSTREAM_CX_RTT DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_LOCAL_CLOSE_REASON ROUTE_RESOLUTION_TIME_US UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_LOCAL_CLOSE_REASON XFCC_VALUE'.split(
    ' ',
  ),
);

const COMMANDS: Readonly<Record<string, CommandKind>> = {
  ...Object.fromEntries(OF_TLS.map((name) => [name, alone(() => undefined)])),
  ...ATTEMPT_COMMANDS,
  ...BYTE_COMMANDS,
  ...HTTP_COMMANDS,
  ...STREAM_COMMANDS,
  ...TIME_COMMANDS,
  ...METADATA_COMMANDS,
};

/** Compiles `NAME(argument):length`, or says in Envoy's words what is wrong with it. */
export function compileCommand(
  name: string,
  argument: string | undefined,
  length: number | undefined,
): Result<Command, string> {
  const kind = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (kind) {
    const fault = checkForm(name, kind, argument ?? '', length);
    return fault === undefined ? kind.make(argument ?? '') : fail(fault);
  }
  if (UNSUPPORTED.has(name)) {
    const allowed = Object.keys(COMMANDS).sort().join(', ');
    return fail(`%${name}% is known to Envoy but not supported by ciliate-proxy; allowed: ${allowed}`);
  }
  return fail(`Not supported field in StreamInfo: ${name}`);
}
