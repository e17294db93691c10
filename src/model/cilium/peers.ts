import { cidrContains, formatCidr, type LabelSelector, parseCidr, parseIp } from '../../base/index.ts';
import { type PolicyEntity, policyEntities } from './entities.ts';
import { type Faults, type Fields, fieldsAt, itemsAt, listAt, quoted, shown, textAt } from './faults.ts';
import { checkDnsMatch } from './layer7.ts';
import type { PolicyPeer } from './policy-types.ts';
import {
  addLabels,
  addRequirement,
  namespaceKey,
  namespaceLabelsPrefix,
  podsOnly,
  readSelector,
  selectorAt,
  selectorKeys,
  withSources,
} from './selectors.ts';

/** What a policy object decides about the peers inside it. */
export interface PeerScope {
  /** Namespace of the policy; absent for a clusterwide one. */
  readonly namespace?: string;
  /** The subject is `reserved:init`, whose clusterwide peers are not limited to namespaced endpoints. */
  readonly subjectIsInit: boolean;
  readonly nodeSelectorLabels: boolean;
}

type PeerReader = (
  faults: Faults,
  item: Fields,
  key: string,
  path: string,
  scope: PeerScope,
) => readonly PolicyPeer[] | undefined;

const readers: Readonly<Record<string, PeerReader>> = {
  Endpoints: readEndpoints,
  CIDR: readCidrs,
  CIDRSet: readCidrSet,
  Entities: readEntities,
  Nodes: readNodes,
  Groups: (faults, item, key, path) => itemsAt(faults, item, key, path)?.map(() => ({ kind: 'provider-group' })),
  Services: readServices,
  FQDNs: readFqdns,
};

const members = {
  from: ['Endpoints', 'CIDR', 'CIDRSet', 'Entities', 'Nodes', 'Groups'],
  to: ['CIDR', 'CIDRSet', 'Endpoints', 'Entities', 'Services', 'FQDNs', 'Groups', 'Nodes'],
} as const;

/** An empty list of these is no list to Cilium (`mergeEndpointSelectors` of `pkg/policy/utils`), one of the others names nobody. */
const absentWhenEmpty = new Set<string>(['Services', 'FQDNs', 'Groups']);

/**
 * The peers of one item: undefined when no peer member is given, an empty list when one is given that names nobody.
 * At most one member may name anybody.
 */
export function readPeers(
  faults: Faults,
  item: Fields,
  path: string,
  prefix: 'from' | 'to',
  scope: PeerScope,
): readonly PolicyPeer[] | undefined {
  const given: { readonly key: string; readonly peers: readonly PolicyPeer[] }[] = [];
  for (const member of members[prefix]) {
    const key = prefix + member;
    const count = listAt(faults, item, key, path)?.length ?? 0;
    const peers = readers[member]?.(faults, item, key, path, scope);
    if (!peers || (count === 0 && absentWhenEmpty.has(member))) continue;
    const other = given.find((each) => (item[each.key] as readonly unknown[]).length > 0);
    if (other && count > 0)
      faults.add(path, `combining ${goName(other.key)} and ${goName(key)} is not supported yet`, 'one of them');
    given.push({ key, peers });
  }
  return given.length === 0 ? undefined : given.flatMap(({ peers }) => peers);
}

/** `toEndpoints` as Cilium's texts write it. */
function goName(key: string): string {
  return key.charAt(0).toUpperCase() + key.slice(1);
}

function readEndpoints(
  faults: Faults,
  item: Fields,
  key: string,
  path: string,
  scope: PeerScope,
): readonly PolicyPeer[] | undefined {
  return itemsAt(faults, item, key, path)?.map(({ item: selector, path: place }) => ({
    kind: 'endpoints',
    selector: scopedSelector(withSources(readSelector(faults, selector, place), 'any'), scope),
  }));
}

/** Limits a peer selector to the policy's namespace, or to endpoints of any namespace, unless it says which it means. */
function scopedSelector(selector: LabelSelector, { namespace, subjectIsInit }: PeerScope): LabelSelector {
  const keys = selectorKeys(selector);
  if (keys.some((key) => key.startsWith('reserved:'))) return selector;
  if (keys.includes(`k8s:${namespaceKey}`) || keys.includes(`any:${namespaceKey}`)) return podsOnly(selector);
  if (namespace === undefined) {
    return subjectIsInit ? selector : addRequirement(selector, { key: `k8s:${namespaceKey}`, operator: 'Exists' });
  }
  const byLabels = keys.some((key) => /^(?:k8s|any):/.test(key) && key.slice(4).startsWith(namespaceLabelsPrefix));
  return byLabels ? podsOnly(selector) : addLabels(selector, { [`k8s:${namespaceKey}`]: namespace });
}

function readEntities(faults: Faults, item: Fields, key: string, path: string): readonly PolicyPeer[] | undefined {
  return listAt(faults, item, key, path)?.flatMap((entity, position): readonly PolicyPeer[] => {
    if (isEntity(entity)) return [{ kind: 'entity', entity }];
    faults.add(`${path}.${key}[${position}]`, `unsupported entity: ${shown(entity)}`, policyEntities.join(', '));
    return [];
  });
}

function isEntity(value: unknown): value is PolicyEntity {
  return policyEntities.some((entity) => entity === value);
}

function readCidrs(faults: Faults, item: Fields, key: string, path: string): readonly PolicyPeer[] | undefined {
  return listAt(faults, item, key, path)?.flatMap((value, position): readonly PolicyPeer[] => {
    const place = `${path}.${key}[${position}]`;
    if (value === '' || value === null) {
      faults.add(place, 'IP must be specified', 'a prefix such as 10.0.0.0/8');
      return [];
    }
    const cidr = readPrefix(faults, value, place, 'unable to parse CIDR');
    return cidr === undefined ? [] : [{ kind: 'cidr', cidr, except: [] }];
  });
}

/** A prefix with host bits masked away; a fault in the words of Go's parser after `context`. */
function readPrefix(faults: Faults, value: unknown, path: string, context: string): string | undefined {
  const text = shown(value);
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  if (cidr) return formatCidr(cidr);
  faults.add(
    path,
    `${context}: netip.ParsePrefix(${quoted(text)}): ${prefixFault(text)}`,
    'a prefix such as 10.0.0.0/8',
  );
  return undefined;
}

function prefixFault(text: string): string {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return "no '/'";
  if (!parseIp(text.slice(0, slash))) return `ParseAddr(${quoted(text.slice(0, slash))}): unable to parse IP`;
  const bits = text.slice(slash + 1);
  return /^(?:0|[1-9]\d{0,2})$/.test(bits) ? 'prefix length out of range' : `bad bits after slash: ${quoted(bits)}`;
}

function readCidrSet(faults: Faults, item: Fields, key: string, path: string): readonly PolicyPeer[] | undefined {
  return itemsAt(faults, item, key, path)?.flatMap(({ item: rule, path: place }): readonly PolicyPeer[] => {
    const cidr = textAt(faults, rule, 'cidr', place);
    const name = textAt(faults, rule, 'cidrGroupRef', place);
    const selector = selectorAt(faults, rule, 'cidrGroupSelector', place);
    const given = [cidr || undefined, name || undefined, selector].filter((each) => each !== undefined).length;
    if (given === 0) faults.add(place, 'one of cidr, cidrGroupRef, or cidrGroupSelector is required');
    if (given > 1)
      faults.add(place, 'more than one of cidr, cidrGroupRef, or cidrGroupSelector may not be set', 'one of them');
    const except = readExcept(faults, rule, place, cidr);
    if (given !== 1) return [];
    if (selector) return [{ kind: 'cidr-group', selector, except }];
    if (name) return [{ kind: 'cidr-group', name, except }];
    const prefix = readPrefix(faults, cidr, `${place}.cidr`, `unable to parse CIDRRule ${quoted(cidr)}`);
    return prefix === undefined ? [] : [{ kind: 'cidr', cidr: prefix, except }];
  });
}

function readExcept(faults: Faults, rule: Fields, path: string, cidr: string | undefined): readonly string[] {
  const outer = cidr === undefined ? undefined : parseCidr(cidr);
  return (listAt(faults, rule, 'except', path) ?? []).flatMap((value, position) => {
    const place = `${path}.except[${position}]`;
    const prefix = readPrefix(faults, value, place, 'unable to parse CIDR');
    const inner = prefix === undefined ? undefined : parseCidr(prefix);
    if (outer && inner && !cidrContains(outer, inner)) {
      faults.add(place, `allow CIDR prefix ${cidr} does not contain exclude CIDR prefix ${shown(value)}`);
    }
    return prefix ?? [];
  });
}

function readNodes(
  faults: Faults,
  item: Fields,
  key: string,
  path: string,
  { nodeSelectorLabels }: PeerScope,
): readonly PolicyPeer[] | undefined {
  const items = itemsAt(faults, item, key, path);
  if (items && items.length > 0 && !nodeSelectorLabels) {
    faults.add(
      `${path}.${key}`,
      'FromNodes/ToNodes rules can only be applied when the "enable-node-selector-labels" flag is set',
    );
  }
  return items?.map(({ item: selector, path: place }) => ({
    kind: 'nodes',
    selector: addRequirement(withSources(readSelector(faults, selector, place), 'node'), {
      key: 'reserved:remote-node',
      operator: 'Exists',
    }),
  }));
}

function readServices(
  faults: Faults,
  item: Fields,
  key: string,
  path: string,
  scope: PeerScope,
): readonly PolicyPeer[] | undefined {
  return itemsAt(faults, item, key, path)?.flatMap(({ item: rule, path: place }): readonly PolicyPeer[] => {
    const byName = fieldsAt(faults, rule, 'k8sService', place);
    const bySelector = fieldsAt(faults, rule, 'k8sServiceSelector', place);
    const peers: PolicyPeer[] = [];
    if (byName) {
      const name = textAt(faults, byName, 'serviceName', `${place}.k8sService`) ?? '';
      const namespace = textAt(faults, byName, 'namespace', `${place}.k8sService`) ?? scope.namespace ?? '';
      peers.push({ kind: 'service', namespace, name });
    }
    if (bySelector) {
      const selector = selectorAt(faults, bySelector, 'selector', `${place}.k8sServiceSelector`) ?? {};
      const namespace = textAt(faults, bySelector, 'namespace', `${place}.k8sServiceSelector`);
      peers.push({ kind: 'service-selector', selector, ...(namespace ? { namespace } : {}) });
    }
    return peers;
  });
}

function readFqdns(faults: Faults, item: Fields, key: string, path: string): readonly PolicyPeer[] | undefined {
  return itemsAt(faults, item, key, path)?.map(({ item: match, path: place }) => {
    const names = checkDnsMatch(faults, match, place);
    if (names.matchName && names.matchPattern) {
      faults.add(place, 'only one of MatchName or MatchPattern is allowed in an FQDNSelector');
    }
    return { kind: 'fqdn', ...names };
  });
}
