import type { Cidr } from '../../base/index.ts';
import { cidrContains, parseCidrOrIp } from '../../base/index.ts';
import type { Fields } from '../config/fields.ts';
import type { ConnectionPeers } from '../http/stream-info.ts';
import { readCidr } from '../match/cidr.ts';
import { isFromHere, transportOf } from '../match/tree/inputs.ts';

/** Above the length of every suffix. */
const EXACT = 1024;

type SourceType = 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';

/** `envoy.config.listener.v3.FilterChainMatch`; an empty list or undefined means any. */
export interface ChainMatch {
  readonly port: number | undefined;
  readonly destinations: readonly Cidr[];
  readonly serverNames: readonly string[];
  readonly transport: string;
  readonly protocols: readonly string[];
  readonly directSources: readonly Cidr[];
  readonly sourceType: SourceType;
  readonly sources: readonly Cidr[];
  readonly sourcePorts: readonly number[];
}

export const ANY_CONNECTION: ChainMatch = {
  port: undefined,
  destinations: [],
  serverNames: [],
  transport: '',
  protocols: [],
  directSources: [],
  sourceType: 'ANY',
  sources: [],
  sourcePorts: [],
};

export function readChainMatch(fields: Fields): ChainMatch {
  const cidrs = (key: string): readonly Cidr[] => fields.list(key, readCidr).filter((one) => one !== undefined);
  return {
    port: fields.number('destination_port'),
    destinations: cidrs('prefix_ranges'),
    serverNames: readServerNames(fields),
    transport: fields.text('transport_protocol'),
    protocols: fields.strings('application_protocols'),
    directSources: cidrs('direct_source_prefix_ranges'),
    sourceType: fields.choice('source_type', ['ANY', 'SAME_IP_OR_LOOPBACK', 'EXTERNAL']),
    sources: cidrs('source_prefix_ranges'),
    sourcePorts: fields.numbers('source_ports'),
  };
}

function readServerNames(fields: Fields): readonly string[] {
  const names = fields.strings('server_names');
  for (const [index, name] of names.entries()) {
    if (isServerName(name)) continue;
    const message = `found ${JSON.stringify(name)}: partial wildcards are not supported in "server_names"`;
    fields.problem(`server_names[${index}]`, message, 'an exact name, or one that begins with *.');
  }
  return names.map((name) => name.toLowerCase());
}

/** An exact server name, or one that begins with `*.`. */
function isServerName(name: string): boolean {
  return !name.replace(/^\*\./, '').includes('*');
}

/**
 * The chain for a connection of the plain-text protocol that an inspector found (empty: none); a TLS connection has the protocols
 * of its hello. Criterion after criterion, the chains that name the value most closely stay, else those that do not name it;
 * there is no way back, so a close match early on that fails later gives none.
 */
export function selectChain<T extends { readonly match: ChainMatch }>(
  chains: readonly T[],
  peers: ConnectionPeers,
  protocol = '',
): T | undefined {
  const [only] = chains;
  if (chains.length === 1 && only?.match === ANY_CONNECTION) return only;
  const local = parseCidrOrIp(peers.local.address);
  const direct = parseCidrOrIp(peers.directRemote.address);
  const remote = parseCidrOrIp(peers.remote.address);
  let left = preferred(chains, ({ port }) => (port === undefined ? 0 : port === peers.local.port ? 1 : -1));
  left = preferred(left, ({ destinations }) => longest(destinations, local));
  left = preferred(left, ({ serverNames }) => closest(serverNames, peers.hello?.serverName ?? ''));
  const detected = transportOf(peers);
  left = preferred(left, ({ transport }) => (transport === '' ? 0 : transport === detected ? 1 : -1));
  const asked = peers.hello?.protocols ?? [protocol];
  left = preferred(left, ({ protocols }) => firstAsked(protocols, asked));
  left = preferred(left, ({ directSources }) => longest(directSources, direct));
  left = preferred(left, ({ sourceType }) => (sourceType === 'ANY' ? 0 : sourceType === sourceTypeOf(peers) ? 1 : -1));
  left = preferred(left, ({ sources }) => longest(sources, remote));
  left = preferred(left, ({ sourcePorts }) => {
    if (sourcePorts.length === 0) return 0;
    return sourcePorts.includes(peers.remote.port) ? 1 : -1;
  });
  return left[0];
}

/** Chains with the best rank; -1 is out. */
function preferred<T extends { readonly match: ChainMatch }>(
  chains: readonly T[],
  rank: (match: ChainMatch) => number,
): readonly T[] {
  if (chains.length === 0) return chains;
  const ranks = chains.map((chain) => rank(chain.match));
  const best = Math.max(...ranks);
  return best < 0 ? [] : chains.filter((_, index) => ranks[index] === best);
}

/** 0 for any, one more than the longest prefix that holds the address, -1 when none does. */
function longest(cidrs: readonly Cidr[], address: Cidr | undefined): number {
  if (cidrs.length === 0) return 0;
  const holding = cidrs.filter((cidr) => address !== undefined && cidrContains(cidr, address));
  return holding.length === 0 ? -1 : 1 + Math.max(...holding.map((cidr) => cidr.prefix));
}

/** 0 for any; the longer the name or suffix that the server name has, the higher; -1 when none fits. */
function closest(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 0;
  const fitting = names.map((name) => {
    if (name.startsWith('*.')) return serverName.endsWith(name.slice(1)) ? name.length - 1 : -1;
    return name === serverName ? EXACT : -1;
  });
  return Math.max(...fitting);
}

/** 0 for any, the higher the earlier the client names one of them, -1 when it names none. */
function firstAsked(protocols: readonly string[], asked: readonly string[]): number {
  if (protocols.length === 0) return 0;
  const at = asked.findIndex((one) => protocols.includes(one));
  return at < 0 ? -1 : asked.length - at;
}

function sourceTypeOf(peers: ConnectionPeers): SourceType {
  return isFromHere(peers) ? 'SAME_IP_OR_LOOPBACK' : 'EXTERNAL';
}
