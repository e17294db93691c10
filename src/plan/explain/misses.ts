import { type LabelSelector, type Labels, selectorMatches } from '../../base/index.ts';
import type { HttpRule, PolicyItem, PolicyPeer, PolicyPortRule, PortMatch } from '../../model/cilium/index.ts';
import { type Direction, everyPeer, ruleReference, selectableLabels } from '../../policy/index.ts';
import type { Identity } from '../node-plan.ts';
import { secretLookup, secretTexts } from '../policy-secrets.ts';
import { headerPermissions } from '../rbac-http.ts';
import { namePermissions } from '../rbac-tls.ts';
import { record } from '../verdicts/json.ts';
import type { Packet, PolicyQuestion } from '../verdicts/packet.ts';
import { permissionMatches, type Request } from '../verdicts/request.ts';
import { type NodeContext, type Subject, selectingRules } from './context.ts';
import type { NearMiss } from './types.ts';

export const shownMisses = 3;

/** A packet as one subject's policy sees it. */
interface Asked {
  readonly subject: Subject;
  readonly direction: Direction;
  readonly peer: Identity;
  readonly protocol: Packet['protocol'];
  readonly port: number;
}

/** The allow rules of the subject that fit the packet but for its port or its peer, those that know the peer first, those for every port last. */
export function nearestPacketRules(context: NodeContext, asked: Asked): readonly NearMiss[] {
  const found = selectingRules(context, asked.subject).flatMap(({ policy, rule }) =>
    rule[asked.direction].items
      .filter(({ action }) => action === 'allow')
      .flatMap((item) => itemMisses(context, asked, item))
      .map(({ path, miss, distance }) => ({ rule: ruleReference(policy, rule, path), miss, distance })),
  );
  return found
    .sort((a, b) => a.distance - b.distance)
    .slice(0, shownMisses)
    .map(({ rule, miss }) => ({ rule, miss }));
}

function itemMisses(
  context: NodeContext,
  asked: Asked,
  item: PolicyItem,
): readonly { readonly path: string; readonly miss: string; readonly distance: number }[] {
  const peers = context.index.peers(item.peers);
  const peerFits = peers === everyPeer || peers.includes(asked.peer);
  const peerMiss = peerFits ? undefined : missOfPeers(context, item.peers ?? [], asked.peer);
  const portRules = item.ports ?? [undefined];
  return portRules.flatMap((portRule) => {
    const path = portRule?.fieldPath ?? item.fieldPath;
    const portFits = item.icmp
      ? asked.protocol === 'icmp' && item.icmp.some(({ type }) => type === asked.port)
      : portRule === undefined || portRule.ports.some((port) => coversPort(context, asked, port));
    // Two things that do not fit are no near miss.
    if (portFits === peerFits) return [];
    if (portFits)
      return peerMiss === undefined ? [] : [{ path, miss: peerMiss, distance: portRule || item.icmp ? 1 : 2 }];
    return [{ path, miss: missOfPort(item, portRule, asked), distance: 0 }];
  });
}

function coversPort(
  { index }: NodeContext,
  { subject, direction, peer, protocol, port }: Asked,
  match: PortMatch,
): boolean {
  if (protocol === 'icmp') return false;
  if (match.protocol !== 'ANY' && match.protocol.toLowerCase() !== protocol) return false;
  if (match.kind === 'number')
    return match.port === 0 || (match.port <= port && port <= Math.max(match.port, match.endPort));
  const name = `${protocol}/${match.name}`;
  return direction === 'egress' ? index.namedPorts(peer, name).has(port) : subject.namedPorts.get(name) === port;
}

function missOfPort(item: PolicyItem, rule: PolicyPortRule | undefined, { protocol, port }: Asked): string {
  const ports = (rule?.ports ?? []).map(portText);
  const types = (item.icmp ?? []).map(({ family, type }) => `${family === 'IPv4' ? 'ICMP' : 'ICMPv6'} type ${type}`);
  return `it allows ${[...ports, ...types].join(', ') || 'no port'}, not ${portName({ protocol, port })}`;
}

function portText(match: PortMatch): string {
  if (match.kind === 'name') return `${match.protocol} ${match.name}`;
  const range = match.endPort > match.port ? `${match.port}-${match.endPort}` : String(match.port);
  return `${match.protocol} ${match.port === 0 ? 'every port' : range}`;
}

export function portName({ protocol, port }: Pick<PolicyQuestion, 'port'> & { readonly protocol: string }): string {
  return protocol === 'icmp' ? `ICMP type ${port}` : `${protocol.toUpperCase()} ${port}`;
}

/** What the peer lacks of the selector that it is nearest to. */
function missOfPeers(context: NodeContext, peers: readonly PolicyPeer[], peer: Identity): string | undefined {
  const labels = context.plan.identities.get(peer) ?? [];
  const misses = peers.map((one) => missOfPeer(one, selectableLabels(labels)));
  const best = misses.sort((a, b) => a.length - b.length)[0];
  return best && `its peer ${best.join(' and ')}`;
}

function missOfPeer(peer: PolicyPeer, labels: Labels): readonly string[] {
  switch (peer.kind) {
    case 'endpoints': {
      const misses = missesOfSelector(peer.selector, labels);
      return misses.length > 0 ? misses : ['would have to be a pod'];
    }
    case 'entity':
      return [`would have to be the entity ${peer.entity}`];
    case 'cidr':
      return [
        `would have to be an address of ${peer.cidr}${peer.except.length > 0 ? ` outside of ${peer.except.join(', ')}` : ''}`,
      ];
    case 'fqdn':
      return [`would have to be an address learnt for ${peer.matchName ?? peer.matchPattern ?? ''}`];
    case 'service':
      return [`would have to be a backend of the Service ${peer.namespace}/${peer.name}`];
    default:
      return [`would have to be of the ${peer.kind.replaceAll('-', ' ')}`];
  }
}

function missesOfSelector(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
): readonly string[] {
  const wanted = Object.entries(matchLabels)
    .filter(([key, value]) => !selectorMatches({ matchLabels: { [key]: value } }, labels))
    .map(([key, value]) => `needs the label ${plain(key)}=${value}${has(labels[key])}`);
  const expressions = matchExpressions
    .filter((expression) => !selectorMatches({ matchExpressions: [expression] }, labels))
    .map(({ key, operator, values = [] }) => {
      const list = values.length > 0 ? ` (${values.join(', ')})` : '';
      return `needs the label ${plain(key)} ${operator}${list}${has(labels[key])}`;
    });
  return [...wanted, ...expressions];
}

const has = (value: string | undefined): string => (value === undefined ? ' and has none' : ` and has ${value}`);

/** Keys without the source that a policy need not write. */
function plain(key: string): string {
  return key.replace(/^(?:any|k8s):/, '');
}

/** The HTTP rules that fit the request but for one field. */
export function nearestHttpRules(
  { world }: NodeContext,
  rules: readonly {
    readonly near: NearMiss['rule'];
    readonly http: HttpRule;
    readonly serverNames?: readonly string[] | undefined;
  }[],
  request: Request,
): readonly NearMiss[] {
  const textOf = secretTexts(secretLookup(world.secrets));
  const found = rules.flatMap(({ near, http, serverNames }) => {
    // That no value may be another one fails only where the one that is asked for is missing, since a request here has one of each.
    const fields = headerPermissions(http, textOf).filter((permission) => permission['not_rule'] === undefined);
    const wanted = [...namePermissions(serverNames ? { serverNames } : {}), ...fields];
    const failing = wanted.filter((permission) => !permissionMatches(permission, request));
    const [only] = failing;
    if (!only || failing.length > 1) return [];
    const miss = fields.includes(only)
      ? `its ${wantedField(only)}`
      : `it allows ${serverNames?.join(', ')} as server name`;
    return [{ rule: near, miss }];
  });
  return found.slice(0, shownMisses);
}

function wantedField(permission: ReturnType<typeof headerPermissions>[number]): string {
  if (permission['matcher']) return 'headers have to be what their Secrets hold';
  const header = record(permission['header']);
  const name = String(header['name']);
  const text = record(header['string_match']);
  const what = name.startsWith(':')
    ? { ':path': 'path', ':method': 'method', ':authority': 'host' }[name]
    : `header ${name}`;
  if (header['present_match'] === true) return `${what} has to be there`;
  return `${what} has to be ${String(text['exact'] ?? record(text['safe_regex'])['regex'])}`;
}
