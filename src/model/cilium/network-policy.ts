import { fail, formatCidr, type Issue, type LabelSelector, ok, parseCidr, type Result } from '../../base/index.ts';
import { createFaults, type Faults, type Fields, fieldsAt, itemsAt, listAt, quoted, textAt } from './faults.ts';
import { originLabels } from './origin.ts';
import type {
  PolicyDirection,
  PolicyItem,
  PolicyObject,
  PolicyPeer,
  PolicyPortRule,
  PortMatch,
  PortProtocol,
} from './policy-types.ts';
import {
  addLabels,
  addRequirement,
  mapKeys,
  namespaceKey,
  namespaceLabelsPrefix,
  podsOnly,
  selectorAt,
  selectorKeys,
  withSources,
} from './selectors.ts';

/** Decodes a `networking.k8s.io/v1` NetworkPolicy into the rule model as Cilium translates it: labels of source `k8s`, no Layer 7, no deny. */
export function decodeNetworkPolicy(object: Fields): Result<PolicyObject, readonly Issue[]> {
  const faults = createFaults();
  const metadata = fieldsAt(faults, object, 'metadata', '') ?? {};
  const name = textAt(faults, metadata, 'name', 'metadata') ?? '';
  const namespace = textAt(faults, metadata, 'namespace', 'metadata') ?? 'default';
  const spec = fieldsAt(faults, object, 'spec', '') ?? {};
  const selector = withSources(selectorAt(faults, spec, 'podSelector', 'spec') ?? {}, 'k8s');
  const types = listAt(faults, spec, 'policyTypes', 'spec');
  const egressItems = listAt(faults, spec, 'egress', 'spec') ?? [];
  const hasIngress = types?.length ? types.includes('Ingress') : true;
  const hasEgress = types?.length ? types.includes('Egress') : egressItems.length > 0;
  const rule = {
    fieldPath: 'spec',
    subject: { kind: 'endpoints' as const, selector: addLabels(selector, { [`k8s:${namespaceKey}`]: namespace }) },
    ingress: hasIngress ? readDirection(faults, spec, 'ingress', namespace) : silent,
    egress: hasEgress ? readDirection(faults, spec, 'egress', namespace) : silent,
    labels: originLabels('NetworkPolicy', namespace, name, metadata['uid']),
  };
  if (faults.issues.length > 0) return fail(faults.issues);
  return ok({ kind: 'NetworkPolicy', namespace, name, rules: [rule] });
}

const silent: PolicyDirection = { items: [], defaultDeny: false };

function readDirection(
  faults: Faults,
  spec: Fields,
  direction: 'ingress' | 'egress',
  namespace: string,
): PolicyDirection {
  const items = (itemsAt(faults, spec, direction, 'spec') ?? []).map(({ item, path }): PolicyItem => {
    const peers = readPeers(faults, item, direction === 'ingress' ? 'from' : 'to', path, namespace);
    const ports = readPorts(faults, item, path);
    return { fieldPath: path, action: 'allow', ...(peers ? { peers } : {}), ...(ports ? { ports } : {}) };
  });
  // A direction without items still isolates: one item that matches nobody says so.
  const isolation: PolicyItem = { fieldPath: `spec.${direction}`, action: 'allow', peers: [] };
  return { items: items.length > 0 ? items : [isolation], defaultDeny: true };
}

/** Absent and empty both mean everybody. */
function readPeers(
  faults: Faults,
  item: Fields,
  key: string,
  path: string,
  namespace: string,
): readonly PolicyPeer[] | undefined {
  const peers = itemsAt(faults, item, key, path);
  if (!peers || peers.length === 0) return undefined;
  return peers.flatMap(({ item: peer, path: place }) => readPeer(faults, peer, place, namespace) ?? []);
}

function readPeer(faults: Faults, peer: Fields, path: string, namespace: string): PolicyPeer | undefined {
  const block = fieldsAt(faults, peer, 'ipBlock', path);
  if (block) {
    const cidr = prefixAt(faults, textAt(faults, block, 'cidr', `${path}.ipBlock`), `${path}.ipBlock.cidr`);
    const except = (listAt(faults, block, 'except', `${path}.ipBlock`) ?? []).flatMap(
      (value, position) => prefixAt(faults, value, `${path}.ipBlock.except[${position}]`) ?? [],
    );
    return cidr === undefined ? undefined : { kind: 'cidr', cidr, except };
  }
  const pods = selectorAt(faults, peer, 'podSelector', path);
  const namespaces = selectorAt(faults, peer, 'namespaceSelector', path);
  if (!pods && !namespaces) {
    faults.add(path, 'must specify a peer', 'podSelector, namespaceSelector, ipBlock');
    return undefined;
  }
  const podLabels = withSources(pods ?? {}, 'k8s');
  if (!namespaces) return { kind: 'endpoints', selector: addLabels(podLabels, { [`k8s:${namespaceKey}`]: namespace }) };
  return { kind: 'endpoints', selector: withNamespaces(podLabels, namespaces) };
}

/** Namespace labels stand on pods under a prefix; an empty selector takes pods of every namespace. */
function withNamespaces(pods: LabelSelector, namespaces: LabelSelector): LabelSelector {
  if (selectorKeys(namespaces).length === 0)
    return addRequirement(pods, { key: `k8s:${namespaceKey}`, operator: 'Exists' });
  const prefixed = mapKeys(namespaces, (key) => `k8s:${namespaceLabelsPrefix}${key}`);
  return podsOnly({
    matchLabels: { ...pods.matchLabels, ...prefixed.matchLabels },
    matchExpressions: [...(pods.matchExpressions ?? []), ...(prefixed.matchExpressions ?? [])],
  });
}

function prefixAt(faults: Faults, value: unknown, path: string): string | undefined {
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  if (cidr) return formatCidr(cidr);
  faults.add(path, `found ${quoted(value ?? null)}`, 'a prefix such as 10.0.0.0/8');
  return undefined;
}

function readPorts(faults: Faults, item: Fields, path: string): readonly PolicyPortRule[] | undefined {
  const ports = itemsAt(faults, item, 'ports', path);
  if (!ports || ports.length === 0) return undefined;
  return [
    { fieldPath: path, ports: ports.flatMap(({ item: port, path: place }) => readPort(faults, port, place) ?? []) },
  ];
}

function readPort(faults: Faults, item: Fields, path: string): PortMatch | undefined {
  const text = textAt(faults, item, 'protocol', path) ?? 'TCP';
  const protocol = (['TCP', 'UDP', 'SCTP'] satisfies PortProtocol[]).find((each) => each === text);
  if (!protocol) {
    faults.add(`${path}.protocol`, `found ${quoted(text)}`, 'TCP, UDP, SCTP');
    return undefined;
  }
  const port = item['port'] ?? 0;
  if (typeof port === 'string') return { kind: 'name', protocol, name: port.toLowerCase() };
  const endPort = item['endPort'] ?? port;
  if (!isPort(port) || !isPort(endPort) || endPort < port) {
    faults.add(`${path}.port`, `found ${quoted(port)} to ${quoted(endPort)}`, '1 to 65535 or a port name');
    return undefined;
  }
  return { kind: 'number', protocol, port, endPort };
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535;
}
