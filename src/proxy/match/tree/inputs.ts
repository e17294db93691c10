import net from 'node:net';
import type { Fields, JsonValue } from '../../config/fields.ts';
import type { ConnectionPeers, Peer, StreamInfo } from '../../http/stream-info.ts';
import type { TlsInfo } from '../../tls/info.ts';
import { distinguishedName, namesOfKind } from '../../tls/names.ts';

/** What a tree cannot be asked without what is not there, such as TLS: it gives no answer then. */
export const UNAVAILABLE = Symbol('unavailable');

/** What a tree looks at: text, undefined where there is none, or a value of metadata. */
export type Input<Subject> =
  | { readonly kind: 'text'; readonly get: (subject: Subject) => string | undefined | typeof UNAVAILABLE }
  | { readonly kind: 'metadata'; readonly get: (subject: Subject) => JsonValue | undefined };

/** The inputs that a tree may have in its place, by the full name of their configuration message. */
export type InputTable<Subject> = ReadonlyMap<string, (fields: Fields) => Input<Subject>>;

/** A connection, as far as trees look at it. */
export interface ConnectionSubject {
  readonly peers: ConnectionPeers;
}

/** A request, as far as trees look at it. */
export type RequestSubject = ConnectionSubject & HeadSubject & Pick<StreamInfo, 'metadata'>;

/** The head of a request. */
type HeadSubject = Pick<StreamInfo, 'requestHeader' | 'request'>;

/** A connection whose filter chain is looked for. */
export interface ChainSubject extends ConnectionSubject {
  /** The application protocol that an inspector found; empty: none. */
  readonly protocol: string;
}

const NETWORK = 'envoy.extensions.matching.common_inputs.network.v3';
const SSL = 'envoy.extensions.matching.common_inputs.ssl.v3';

const text =
  <Subject>(get: (subject: Subject) => string | undefined | typeof UNAVAILABLE) =>
  (): Input<Subject> => ({ kind: 'text', get });
/** Connections of this proxy have no network namespace. */
const absent = text<unknown>(() => undefined);
const withTls = (get: (tls: TlsInfo) => string): (() => Input<ConnectionSubject>) =>
  text(({ peers: { tls } }) => (tls ? get(tls) || undefined : UNAVAILABLE));
const isIp = ({ address }: Peer): boolean => net.isIP(address) !== 0;
const addressOf = (peer: Peer): string | undefined => (isIp(peer) ? peer.address : undefined);
const portOf = (peer: Peer): string | undefined => (isIp(peer) ? String(peer.port) : undefined);

type Entry<Subject> = readonly [string, (fields: Fields) => Input<Subject>];

const ENVIRONMENT: Entry<unknown> = [
  'envoy.extensions.matching.common_inputs.environment_variable.v3.Config',
  (fields) => {
    const value = process.env[fields.required('name')];
    return { kind: 'text', get: () => value };
  },
];

/** No filter here keeps anything under a name. */
const FILTER_STATE: Entry<unknown> = [
  `${NETWORK}.FilterStateInput`,
  (fields) => {
    fields.required('key');
    fields.text('field');
    return absent();
  },
];

const CONNECTION: readonly Entry<ConnectionSubject>[] = [
  [`${NETWORK}.DestinationIPInput`, text(({ peers }) => addressOf(peers.local))],
  [`${NETWORK}.DestinationPortInput`, text(({ peers }) => portOf(peers.local))],
  [`${NETWORK}.SourceIPInput`, text(({ peers }) => addressOf(peers.remote))],
  [`${NETWORK}.SourcePortInput`, text(({ peers }) => portOf(peers.remote))],
  [`${NETWORK}.DirectSourceIPInput`, text(({ peers }) => addressOf(peers.directRemote))],
  [`${NETWORK}.ServerNameInput`, text(({ peers }) => peers.hello?.serverName || undefined)],
  [`${NETWORK}.NetworkNamespaceInput`, absent],
  [`${SSL}.UriSanInput`, withTls(({ peer }) => namesOfKind(peer, 'URI').join(','))],
  [`${SSL}.DnsSanInput`, withTls(({ peer }) => namesOfKind(peer, 'DNS').join(','))],
  [`${SSL}.SubjectInput`, withTls(({ peer }) => (peer ? distinguishedName(peer.subject) : ''))],
  FILTER_STATE,
  ENVIRONMENT,
];

/** All values of a header. */
const REQUEST_HEADER: Entry<HeadSubject> = [
  'envoy.type.matcher.v3.HttpRequestHeaderMatchInput',
  (fields) => {
    const name = fields.text('header_name').toLowerCase();
    if (name === 'host') return { kind: 'text', get: (subject) => subject.requestHeader(':authority') };
    if (name.startsWith(':')) return { kind: 'text', get: (subject) => subject.requestHeader(name) };
    return { kind: 'text', get: ({ request }) => request?.headers.joined(name) };
  },
];

const DYNAMIC_METADATA: Entry<Pick<StreamInfo, 'metadata'>> = [
  `${NETWORK}.DynamicMetadataInput`,
  (fields) => {
    const namespace = fields.required('filter');
    const path = fields.list('path', (segment) => segment.required('key'));
    return { kind: 'metadata', get: (request) => request.metadata(namespace, path) };
  },
];

/** What rules about requests may look at. */
export const REQUEST_INPUTS: InputTable<RequestSubject> = new Map<string, (fields: Fields) => Input<RequestSubject>>([
  ...CONNECTION,
  REQUEST_HEADER,
  DYNAMIC_METADATA,
]);

/** What rules about connections may look at. */
export const CONNECTION_INPUTS: InputTable<ConnectionSubject> = new Map(CONNECTION);

/** What a virtual host may look at to find a route. */
export const ROUTE_INPUTS: InputTable<HeadSubject> = new Map<string, (fields: Fields) => Input<HeadSubject>>([
  REQUEST_HEADER,
  FILTER_STATE,
  ENVIRONMENT,
]);

/** What a listener may look at to find a filter chain. */
export const CHAIN_INPUTS: InputTable<ChainSubject> = new Map<string, (fields: Fields) => Input<ChainSubject>>([
  ...CONNECTION,
  [`${NETWORK}.SourceTypeInput`, text(({ peers }) => (isFromHere(peers) ? 'local' : undefined))],
  [`${NETWORK}.TransportProtocolInput`, text(({ peers }) => transportOf(peers))],
  [`${NETWORK}.ApplicationProtocolInput`, text(applicationProtocols)],
]);

/** Every protocol in quotes, as Envoy joins them. */
function applicationProtocols({ peers: { hello }, protocol }: ChainSubject): string | undefined {
  const protocols = hello?.protocols ?? (protocol === '' ? [] : [protocol]);
  return protocols.length === 0 ? undefined : protocols.map((one) => `'${one}'`).join(',');
}

/** What a listener filter found below the application protocol; without one every connection counts as plain text. */
export function transportOf({ hello }: ConnectionPeers): 'tls' | 'raw_buffer' {
  return hello ? 'tls' : 'raw_buffer';
}

/** Envoy takes exactly these two for loopback addresses, not all of 127.0.0.0/8. */
export function isFromHere({ remote, local }: ConnectionPeers): boolean {
  return remote.address === '127.0.0.1' || remote.address === '::1' || remote.address === local.address;
}
