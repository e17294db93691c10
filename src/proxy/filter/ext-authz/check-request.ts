import type { X509Certificate } from 'node:crypto';
import { type JsonObject, lookupMessage, messageOf } from '../../../model/envoy/index.ts';
import { isObject, type JsonValue } from '../../config/fields.ts';
import { encodedPem } from '../../format/tls-commands.ts';
import type { Peer } from '../../http/stream-info.ts';
import type { MetadataSource } from '../../match/metadata.ts';
import { randomNumber } from '../../runtime/read.ts';
import { distinguishedName, namesOfKind } from '../../tls/names.ts';
import type { FilterStream } from '../filter.ts';
import { sanitizedUtf8 } from '../utf8.ts';
import type { CheckContent } from './config.ts';
import { mergedHeaders, type ToldBody, toldHeaders } from './told.ts';

const CHECK_REQUEST = 'envoy.service.auth.v3.CheckRequest';
const STRUCT = 'google.protobuf.Struct';

/** A message as the protobuf library encodes it. */
type Message = Readonly<Record<string, unknown>>;

/** An encoded `envoy.service.auth.v3.CheckRequest`. */
export function checkRequest(
  stream: FilterStream,
  content: CheckContent,
  extensions: Readonly<Record<string, string>>,
  body: ToldBody | undefined,
): Buffer {
  const type = lookupMessage(CHECK_REQUEST);
  if (!type) throw new Error(`no message ${CHECK_REQUEST}`);
  const bytes = type.encode({ attributes: attributesOf(stream, content, extensions, body) }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function attributesOf(
  stream: FilterStream,
  content: CheckContent,
  extensions: Readonly<Record<string, string>>,
  body: ToldBody | undefined,
): Message {
  const { peers } = stream;
  const service = stream.requestHeader('x-envoy-downstream-service-cluster');
  return {
    source: {
      address: addressOf(peers.directRemote),
      service: sanitizedUtf8(service ?? ''),
      ...principalOf(peers.tls?.peer),
      ...(content.certificate && peers.tls?.peer ? { certificate: encodedPem(peers.tls.peer) } : {}),
    },
    destination: { address: addressOf(peers.local), ...principalOf(peers.tls?.own) },
    request: { time: timeOf(stream.startTime), http: requestOf(stream, content, body) },
    context_extensions: extensions,
    metadata_context: metadataOf(stream, content.namespaces),
    route_metadata_context: metadataOf(stream.route?.metadata, content.routeNamespaces),
    ...(content.tlsSession ? { tls_session: { sni: peers.hello?.serverName ?? '' } } : {}),
  };
}

/** The first URI of a certificate, else its first DNS name, else its subject; nothing without one. */
function principalOf(certificate: X509Certificate | undefined): Message {
  if (!certificate) return {};
  const [uri] = namesOfKind(certificate, 'URI');
  const [name] = namesOfKind(certificate, 'DNS');
  return { principal: sanitizedUtf8(uri ?? name ?? distinguishedName(certificate.subject)) };
}

function addressOf({ address, port }: Peer): Message {
  if (port === 0 && address.startsWith('/')) return { pipe: { path: address } };
  return { socket_address: { address, port_value: port } };
}

function timeOf(milliseconds: number): Message {
  const nanos = Math.round(milliseconds * 1e6);
  return {
    seconds: Math.floor(milliseconds / 1000),
    nanos: Math.max(0, nanos - Math.floor(milliseconds / 1000) * 1e9),
  };
}

function requestOf(stream: FilterStream, content: CheckContent, body: ToldBody | undefined): Message {
  const { head } = stream;
  const told = toldHeaders(stream, content, content.allowed, body);
  return {
    // The request has a number of its own, which says nothing.
    id: String(randomNumber()),
    method: head.method,
    path: sanitizedUtf8(head.path),
    host: sanitizedUtf8(head.authority),
    scheme: head.scheme,
    size: stream.bytesReceived,
    protocol: stream.protocol ?? '',
    ...(content.rawHeaders
      ? { header_map: { headers: told.map(([key, value]) => ({ key, raw_value: Buffer.from(value, 'latin1') })) } }
      : { headers: mergedHeaders(told) }),
    ...(body ? bodyOf(body, content.rawBody) : {}),
  };
}

function bodyOf({ bytes }: ToldBody, raw: boolean): Message {
  return raw ? { raw_body: bytes } : { body: sanitizedUtf8(bytes.toString('latin1')) };
}

/** An `envoy.config.core.v3.Metadata` with those of the namespaces that there are. */
function metadataOf(source: MetadataSource | undefined, namespaces: readonly string[]): Message {
  const found: Record<string, Message> = {};
  for (const namespace of namespaces) {
    const value: JsonValue | undefined = source?.metadata(namespace, []);
    if (isObject(value)) found[namespace] = messageOf(STRUCT, value as JsonObject);
  }
  return { filter_metadata: found };
}
