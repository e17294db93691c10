import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { createFaults, type Faults, type Fields, fieldsAt, isFields, itemsAt, quoted, textAt } from './faults.ts';
import { readIcmps } from './icmp.ts';
import type { Depth } from './layer7.ts';
import { decodeNetworkPolicy } from './network-policy.ts';
import { originLabels } from './origin.ts';
import { readPeers } from './peers.ts';
import type { PolicyDirection, PolicyItem, PolicyObject, PolicyRule, PolicySubject } from './policy-types.ts';
import { readPortRules } from './ports.ts';
import { namespaceKey, selectorAt, selectorKeys, withSources } from './selectors.ts';

/** The settings of `cilium-config` that decide what a policy may say. */
export interface PolicySettings {
  /** `enable-node-selector-labels`: nodes can be selected by their labels. */
  readonly nodeSelectorLabels: boolean;
}

/** As Cilium is installed. */
const usualSettings: PolicySettings = { nodeSelectorLabels: false };

/**
 * Everything that Cilium's own validation of a policy would refuse, with its texts, for a CiliumNetworkPolicy or
 * CiliumClusterwideNetworkPolicy that fits its schema. Regular expressions are not looked at: see `decodePolicy`.
 */
export function validatePolicy(object: unknown, settings = usualSettings): readonly Issue[] {
  const result = readPolicy(object, { ...settings, depth: 'syntax' });
  return result.ok ? [] : result.error;
}

/**
 * Decodes a CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy or NetworkPolicy into the rule model.
 * Refuses what `validatePolicy` refuses and regular expressions that are not RE2.
 */
export function decodePolicy(object: unknown, settings = usualSettings): Result<PolicyObject, readonly Issue[]> {
  return readPolicy(object, { ...settings, depth: 'complete' });
}

interface Reading extends PolicySettings {
  readonly depth: Depth;
}

function readPolicy(object: unknown, reading: Reading): Result<PolicyObject, readonly Issue[]> {
  if (!isFields(object)) return fail([{ path: '', message: 'must be an object' }]);
  switch (object['kind']) {
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return readCiliumPolicy(object, object['kind'], reading);
    case 'NetworkPolicy':
      return decodeNetworkPolicy(object);
    default:
      return fail([
        {
          path: 'kind',
          message: `found ${quoted(object['kind'])}`,
          allowed: 'CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy',
        },
      ]);
  }
}

/** What every rule of one object shares. */
interface Origin extends Reading {
  readonly kind: 'CiliumNetworkPolicy' | 'CiliumClusterwideNetworkPolicy';
  readonly namespace?: string;
  readonly labels: readonly string[];
}

function readCiliumPolicy(
  object: Fields,
  kind: Origin['kind'],
  reading: Reading,
): Result<PolicyObject, readonly Issue[]> {
  const faults = createFaults();
  const metadata = fieldsAt(faults, object, 'metadata', '') ?? {};
  const name = textAt(faults, metadata, 'name', 'metadata') ?? '';
  if (name === '') faults.add('metadata.name', `${kind} must have name`);
  const namespace =
    kind === 'CiliumNetworkPolicy' ? (textAt(faults, metadata, 'namespace', 'metadata') ?? 'default') : undefined;
  const origin: Origin = {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    labels: originLabels(kind, namespace, name, metadata['uid']),
    ...reading,
  };
  const specs: { readonly item: Fields; readonly path: string }[] = [];
  const spec = fieldsAt(faults, object, 'spec', '');
  if (spec) specs.push({ item: spec, path: 'spec' });
  specs.push(...(itemsAt(faults, object, 'specs', '') ?? []));
  if (specs.length === 0) faults.add('spec', `Invalid ${kind} spec(s): empty policy`, 'spec or specs');
  const rules = specs.map(({ item, path }) => readRule(faults, item, path, origin));
  if (faults.issues.length > 0) return fail(faults.issues);
  return ok({ kind, ...(namespace === undefined ? {} : { namespace }), name, rules });
}

function readRule(faults: Faults, rule: Fields, path: string, origin: Origin): PolicyRule {
  const subject = readSubject(faults, rule, path, origin);
  const ingress = readDirection(faults, rule, path, 'ingress', subject, origin);
  const egress = readDirection(faults, rule, path, 'egress', subject, origin);
  if (ingress.items.length + egress.items.length === 0) {
    faults.add(path, 'rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny');
  }
  const description = textAt(faults, rule, 'description', path);
  const logValue = textAt(faults, fieldsAt(faults, rule, 'log', path) ?? {}, 'value', `${path}.log`);
  return {
    fieldPath: path,
    subject,
    ingress,
    egress,
    labels: [...origin.labels, ...readOwnLabels(faults, rule, path)],
    ...(description === undefined ? {} : { description }),
    ...(logValue === undefined ? {} : { logValue }),
  };
}

function readOwnLabels(faults: Faults, rule: Fields, path: string): readonly string[] {
  return (itemsAt(faults, rule, 'labels', path) ?? []).map(({ item, path: place }) => {
    const source = textAt(faults, item, 'source', place) || 'unspec';
    const value = textAt(faults, item, 'value', place) ?? '';
    return `${source}:${textAt(faults, item, 'key', place) ?? ''}${value === '' ? '' : `=${value}`}`;
  });
}

function readSubject(faults: Faults, rule: Fields, path: string, { kind, namespace }: Origin): PolicySubject {
  const endpoints = selectorAt(faults, rule, 'endpointSelector', path);
  const nodes = selectorAt(faults, rule, 'nodeSelector', path);
  if (endpoints && nodes)
    faults.add(
      path,
      'rule cannot have both EndpointSelector and NodeSelector',
      'one of endpointSelector, nodeSelector',
    );
  if (!endpoints && !nodes)
    faults.add(
      path,
      'rule must have one of EndpointSelector or NodeSelector',
      'endpointSelector: {} selects every pod',
    );
  if (nodes) {
    if (kind === 'CiliumNetworkPolicy') {
      faults.add(
        `${path}.nodeSelector`,
        'Invalid CiliumNetworkPolicy spec: rule cannot have NodeSelector',
        'nodeSelector in a CiliumClusterwideNetworkPolicy',
      );
    }
    return { kind: 'nodes', selector: withSources(nodes, 'any') };
  }
  const selector = withSources(endpoints ?? {}, 'any');
  if (namespace === undefined) return { kind: 'endpoints', selector };
  // What another source says of the namespace stays beside it (`ParseToCiliumRule`).
  const matchLabels = { ...selector.matchLabels, [`k8s:${namespaceKey}`]: namespace };
  return { kind: 'endpoints', selector: { ...selector, matchLabels } };
}

function readDirection(
  faults: Faults,
  rule: Fields,
  path: string,
  direction: 'ingress' | 'egress',
  subject: PolicySubject,
  origin: Origin,
): PolicyDirection {
  const allow = itemsAt(faults, rule, direction, path) ?? [];
  const deny = itemsAt(faults, rule, `${direction}Deny`, path) ?? [];
  const items = [
    ...allow.map(({ item, path: place }) => readItem(faults, item, place, 'allow', direction, subject, origin)),
    ...deny.map(({ item, path: place }) => readItem(faults, item, place, 'deny', direction, subject, origin)),
  ];
  const wanted = fieldsAt(faults, rule, 'enableDefaultDeny', path)?.[direction];
  return { items, defaultDeny: items.length > 0 && wanted !== false };
}

function readItem(
  faults: Faults,
  item: Fields,
  path: string,
  action: PolicyItem['action'],
  direction: 'ingress' | 'egress',
  subject: PolicySubject,
  origin: Origin,
): PolicyItem {
  const { namespace } = origin;
  const peers = readPeers(faults, item, path, direction === 'ingress' ? 'from' : 'to', {
    ...(namespace === undefined ? {} : { namespace }),
    subjectIsInit: selectorKeys(subject.selector).includes('reserved:init'),
    nodeSelectorLabels: origin.nodeSelectorLabels,
  });
  const ports = readPortRules(faults, item, path, {
    direction,
    clusterwide: namespace === undefined,
    namespace: namespace ?? '',
    depth: origin.depth,
  });
  const icmp = readIcmps(faults, item, path);
  if (icmp?.length && ports?.length) {
    faults.add(
      `${path}.icmps`,
      'the ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts',
    );
  }
  if (subject.kind === 'nodes') checkHostLayer7(faults, ports ?? [], direction);
  const authentication = readAuthentication(faults, item, path);
  const says = { peers, ports: ports?.length ? ports : undefined, icmp: icmp?.length ? icmp : undefined };
  const inert = !says.peers && !says.ports && !says.icmp;
  return {
    fieldPath: path,
    action,
    ...(inert ? { peers: [] } : says.peers ? { peers: says.peers } : {}),
    ...(says.ports ? { ports: says.ports } : {}),
    ...(says.icmp ? { icmp: says.icmp } : {}),
    ...(authentication ? { authentication } : {}),
  };
}

function checkHostLayer7(
  faults: Faults,
  ports: NonNullable<PolicyItem['ports']>,
  direction: 'ingress' | 'egress',
): void {
  for (const { fieldPath, http, dns } of ports) {
    if (direction === 'ingress' && (http || dns))
      faults.add(`${fieldPath}.rules`, 'L7 policy is not supported on host ingress yet');
    if (direction === 'egress' && http)
      faults.add(`${fieldPath}.rules.http`, 'L7 protocol HTTP is not supported on host egress yet');
  }
}

const authenticationModes = ['disabled', 'required', 'test-always-fail'] as const;

function readAuthentication(faults: Faults, item: Fields, path: string): PolicyItem['authentication'] {
  const authentication = fieldsAt(faults, item, 'authentication', path);
  if (!authentication) return undefined;
  const text = textAt(faults, authentication, 'mode', `${path}.authentication`);
  const mode = authenticationModes.find((each) => each === text);
  if (!mode) faults.add(`${path}.authentication.mode`, `found ${quoted(text ?? null)}`, authenticationModes.join(', '));
  return mode;
}
