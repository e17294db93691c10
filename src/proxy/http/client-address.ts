import { networkInterfaces } from 'node:os';
import { type Cidr, formatIp, parseIp } from '../../base/index.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import { readHttpStatus } from '../config/http-status.ts';
import type { LocalReply } from '../filter/filter.ts';
import { cidrSet, readCidr } from '../match/cidr.ts';
import type { HeaderMap } from './headers.ts';
import type { Peer } from './stream-info.ts';

type AddressTest = (address: string) => boolean;

/** What one way of finding the client's address says. */
interface Detection {
  /** Undefined: it does not know. */
  readonly address: string | undefined;
  /** Whether the address may make the request an internal one. */
  readonly trusted: boolean;
  readonly appendForwardedFor: boolean;
  readonly refusal?: LocalReply;
}

type Detector = (headers: HeaderMap, peer: Peer) => Detection;

/** Where requests come from, as far as headers may be believed. */
export interface ClientAddressOptions {
  /** `use_remote_address`: the peer is the client, or the trusted proxy next to it. */
  readonly useRemote: boolean;
  readonly trustedHops: number;
  readonly appendForwardedFor: boolean;
  readonly detectors: readonly Detector[];
  /** Whether an address is one of the own network; undefined: none is. */
  readonly internal: ((peer: Peer) => boolean) | undefined;
}

/** The outcome of `locateClient`; valid until its next call. */
export const located = {
  /** Undefined: nothing says more than the connection. */
  address: undefined as string | undefined,
  internal: false,
};

/** Finds the client's address as Envoy's `mutateRequestHeaders` does, appending to `x-forwarded-for` on the way. */
export function locateClient(headers: HeaderMap, peer: Peer, options: ClientAddressOptions): LocalReply | undefined {
  located.address = undefined;
  located.internal = false;
  let trusted = false;
  if (options.useRemote) {
    const sent = headers.joined('x-forwarded-for');
    trusted = sent === undefined;
    if (options.trustedHops > 0 && sent) located.address = forwardedAddress(sent, options.trustedHops - 1);
    if (options.appendForwardedFor) appendForwardedFor(headers, peer);
    if (options.internal && trusted) located.internal = options.internal(peer);
    return undefined;
  }
  for (const detector of options.detectors) {
    const found = detector(headers, peer);
    if (found.refusal) return found.refusal;
    if (found.appendForwardedFor) appendForwardedFor(headers, peer);
    if (found.address === undefined) continue;
    located.address = found.address;
    trusted = found.trusted;
    break;
  }
  if (options.internal && trusted && located.address !== undefined) {
    located.internal = options.internal({ address: located.address, port: 0 });
  }
  return undefined;
}

/** Appends the peer's address, or the machine's own where the peer is this machine. */
export function appendForwardedFor(headers: HeaderMap, peer: Peer): void {
  if (peer.address.startsWith('/') || peer.address === '') return;
  const address = isLoopback(peer.address) ? machineAddress() : peer.address;
  const before = headers.joined('x-forwarded-for');
  headers.set('x-forwarded-for', before ? `${before},${address}` : address);
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

let machine = '';

/** The first IPv4 address that is not loopback, as Envoy's local information has it. */
function machineAddress(): string {
  if (machine !== '') return machine;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  machine = all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
  return machine;
}

/** The address `skip` places before the last one of the list; undefined when there is no such place or no address there. */
function forwardedAddress(list: string, skip: number): string | undefined {
  let end = list.length;
  for (let skipped = 0; skipped < skip; skipped++) {
    const comma = list.lastIndexOf(',', end - 1);
    if (comma < 0 || end === 0) return undefined;
    end = comma;
  }
  const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1);
  return plainIp(list.slice(comma + 1, end).trim());
}

/** An IP address in its usual form. */
function plainIp(text: string): string | undefined {
  const ip = parseIp(text);
  if (!ip || ip.bits === 32) return ip && text;
  const mapped = ip.address >> 32n === 0xffffn;
  return mapped ? `::ffff:${formatIp({ bits: 32, address: ip.address & 0xffffffffn })}` : formatIp(ip);
}

const NOT_DETECTED: Detection = { address: undefined, trusted: false, appendForwardedFor: false };

/** The address `hops` places before the last one of `x-forwarded-for`. */
function forwardedForDetector(hops: number, append: boolean): Detector {
  const unknown: Detection = { ...NOT_DETECTED, appendForwardedFor: append };
  return (headers) => {
    const list = headers.joined('x-forwarded-for');
    if (!list) return unknown;
    const address = forwardedAddress(list, hops);
    if (address === undefined) return unknown;
    return { address, trusted: hops === 0 && !list.includes(','), appendForwardedFor: append };
  };
}

/** The last address of `x-forwarded-for` that is no trusted proxy, or the first of all; believed only from a trusted peer. */
function trustedProxiesDetector(proxies: readonly Cidr[], append: boolean): Detector {
  const isProxy = cidrSet(proxies);
  const unknown: Detection = { ...NOT_DETECTED, appendForwardedFor: append };
  return (headers, peer) => {
    if (!isProxy(peer.address)) return { ...NOT_DETECTED, appendForwardedFor: true };
    const list = headers.joined('x-forwarded-for');
    if (!list) return unknown;
    const addresses = list.split(',');
    for (let at = addresses.length - 1; at >= 0; at--) {
      const address = plainIp((addresses[at] as string).trim());
      if (address === undefined) return unknown;
      if (at > 0 && isProxy(address)) continue;
      return { address, trusted: addresses.length === 1, appendForwardedFor: append };
    }
    return unknown;
  };
}

function readForwardedForDetector(fields: Fields): Detector {
  const hops = fields.number('xff_num_trusted_hops') ?? 0;
  const append = !(fields.boolean('skip_xff_append') ?? true);
  const cidrs = fields.message('xff_trusted_cidrs', (inner) => inner.list('cidrs', readCidr));
  if (!cidrs) return forwardedForDetector(hops, append);
  if (hops > 0) fields.problem('', 'Cannot set both xff_num_trusted_hops and xff_trusted_cidrs');
  return trustedProxiesDetector(
    cidrs.filter((cidr) => cidr !== undefined),
    append,
  );
}

const DETECTION_FAILED = 'rejecting_because_detection_failed';

/** A status that is no error, or none that Envoy knows, is 403. */
function refusalStatus(status: number): number {
  return status >= 400 && status <= 511 ? status : 403;
}

function readCustomHeaderDetector(fields: Fields): Detector {
  const name = fields.required('header_name').toLowerCase();
  const trusted = fields.flag('allow_extension_to_set_address_as_trusted');
  const status = fields.message('reject_with_status', readHttpStatus);
  const refusal: LocalReply | undefined =
    status === undefined ? undefined : { status: refusalStatus(status), body: '', details: DETECTION_FAILED };
  const unknown: Detection = refusal ? { ...NOT_DETECTED, refusal } : NOT_DETECTED;
  return (headers) => {
    const address = plainIp(headers.get(name) ?? '');
    return address === undefined ? unknown : { address, trusted, appendForwardedFor: false };
  };
}

const XFF = 'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig';
const CUSTOM_HEADER = 'envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig';

function readDetector(fields: Fields): Detector | undefined {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type === XFF) return fields.message('typed_config', readForwardedForDetector);
  if (type === CUSTOM_HEADER) return fields.message('typed_config', readCustomHeaderDetector);
  fields.problem(
    'typed_config',
    `${JSON.stringify(type)} is not supported by ciliate-proxy`,
    `${XFF}, ${CUSTOM_HEADER}`,
  );
  return undefined;
}

/** Reads what a connection manager says about the addresses of clients. */
export function readClientAddress(fields: Fields): ClientAddressOptions {
  const useRemote = fields.flag('use_remote_address');
  const trustedHops = fields.number('xff_num_trusted_hops') ?? 0;
  const detectors = fields.list('original_ip_detection_extensions', readDetector).filter((one) => one !== undefined);
  if (detectors.length > 0 && useRemote) {
    fields.problem('use_remote_address', 'Original IP detection extensions and use_remote_address may not be mixed');
  }
  if (detectors.length > 0 && trustedHops > 0) {
    fields.problem(
      'xff_num_trusted_hops',
      'Original IP detection extensions and xff_num_trusted_hops may not be mixed',
    );
  }
  const standard = useRemote ? [] : [forwardedForDetector(trustedHops, false)];
  return {
    useRemote,
    trustedHops,
    appendForwardedFor: !fields.flag('skip_xff_append'),
    detectors: detectors.length > 0 ? detectors : standard,
    internal: fields.message('internal_address_config', readInternal),
  };
}

/** What Envoy takes for an internal address when a configuration names no ranges. */
const PRIVATE: readonly Cidr[] = [
  { bits: 32, address: 10n << 24n, prefix: 8 },
  { bits: 32, address: ((172n << 8n) | 16n) << 16n, prefix: 12 },
  { bits: 32, address: ((192n << 8n) | 168n) << 16n, prefix: 16 },
  { bits: 32, address: (127n << 24n) | 1n, prefix: 32 },
  { bits: 128, address: 1n, prefix: 128 },
  { bits: 128, address: 0xfdn << 120n, prefix: 8 },
];

function readInternal(fields: Fields): (peer: Peer) => boolean {
  const unixSockets = fields.flag('unix_sockets');
  const cidrs = fields.list('cidr_ranges', readCidr).filter((cidr) => cidr !== undefined);
  const test: AddressTest = cidrSet(cidrs.length > 0 ? cidrs : PRIVATE);
  return ({ address }) => (address === '' || address.startsWith('/') ? unixSockets : test(address));
}
