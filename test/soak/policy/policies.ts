import type { ResourcePath } from '../../../src/kube/index.ts';
import { namespace, worldPort } from './cluster.ts';

/** An object that the soak applies, or deletes where `object` is undefined: a policy, a CIDR group, or labels of a pod. */
export interface Applied {
  readonly place: ResourcePath;
  readonly object: object | undefined;
}

/** Something to send that is there afterwards. */
export interface Standing extends Applied {
  readonly object: object;
}

const slots = { cilium: 12, clusterwide: 4, network: 4, world: 4, groups: 2 } as const;

const cilium = { group: 'cilium.io', version: 'v2' } as const;

function policy(name: string, spec: object): Standing {
  const object = { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace }, spec };
  return { place: { ...cilium, resource: 'ciliumnetworkpolicies', namespace, name }, object };
}

function clusterwidePolicy(name: string, spec: object): Standing {
  const object = { apiVersion: 'cilium.io/v2', kind: 'CiliumClusterwideNetworkPolicy', metadata: { name }, spec };
  return { place: { ...cilium, resource: 'ciliumclusterwidenetworkpolicies', name }, object };
}

function networkPolicy(name: string, spec: object): Standing {
  const object = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec };
  return { place: { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', namespace, name }, object };
}

function cidrGroup(name: string, externalCIDRs: readonly string[]): Standing {
  const metadata = { name, labels: { group: name } };
  const object = { apiVersion: 'cilium.io/v2', kind: 'CiliumCIDRGroup', metadata, spec: { externalCIDRs } };
  return { place: { ...cilium, resource: 'ciliumcidrgroups', name }, object };
}

function podLabels(name: string, labels: Readonly<Record<string, string>>): Standing {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels } };
  return { place: { group: '', version: 'v1', resource: 'pods', namespace, name }, object };
}

const onPort = (port: number, ...rules: object[]) => [
  { ports: [{ port: String(port), protocol: 'TCP' }], ...(rules.length > 0 && { rules: { http: rules } }) },
];
const http = (...rules: object[]) => onPort(8080, ...rules);
const plain = onPort(8080);
const named = (name: string) => ({ matchLabels: { name } });
const clients = { matchLabels: { kind: 'client' } };
const echoes = { matchLabels: { kind: 'echo' } };
const nobody = { endpointSelector: named('nobody'), ingress: [{}] };
const always = { method: 'GET', path: '/always' };
const teams = ['x', 'y'];

const times = (count: number, make: (slot: number) => Standing): readonly Standing[] =>
  Array.from({ length: count }, (_, slot) => make(slot));

/** What stands all the time: both ends are isolated, and `GET /always` passes everywhere. Then, in each slot, something that selects nobody. */
export const initial: readonly Standing[] = [
  policy('standing', {
    endpointSelector: clients,
    egress: [
      { toEndpoints: [echoes], toPorts: http(always) },
      { toEntities: ['world'], toPorts: onPort(worldPort, always) },
    ],
  }),
  policy('standing-echo', { endpointSelector: echoes, ingress: [{ fromEndpoints: [clients], toPorts: http(always) }] }),
  ...times(slots.cilium, (slot) => policy(`p${slot}`, nobody)),
  ...times(slots.clusterwide, (slot) => clusterwidePolicy(`c${slot}`, nobody)),
  ...times(slots.network, (slot) => networkPolicy(`k${slot}`, networkNobody())),
  ...times(slots.world, (slot) => policy(`w${slot}`, nobody)),
  ...times(slots.groups, (slot) => cidrGroup(`g${slot}`, ['192.0.2.0/24'])),
];

type Random = () => number;
const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T;
const slotOf = (count: number, random: Random): number => Math.floor(random() * count);

/**
 * A random object for a slot, or its end. From client-1 only HTTP rules are opened and closed, so `/never` never passes and `GET /always` always does;
 * client-2 meets everything: whole Layer-4 allows, denials, and rules that are gone again.
 */
export function randomChange(random: Random): Applied {
  const change = randomObject(random);
  return random() < 0.1 ? { ...change, object: undefined } : change;
}

function randomObject(random: Random): Standing {
  const kind = random();
  const specOf = (slot: number): object => (slot % 2 === 0 ? httpSpec(random) : anySpec(random));
  if (kind < 0.5) {
    const slot = slotOf(slots.cilium, random);
    return policy(`p${slot}`, specOf(slot));
  }
  if (kind < 0.65) {
    const slot = slotOf(slots.clusterwide, random);
    return clusterwidePolicy(`c${slot}`, specOf(slot));
  }
  if (kind < 0.8) return networkPolicy(`k${slotOf(slots.network, random)}`, networkSpec(random));
  if (kind < 0.92) {
    const slot = slotOf(slots.world, random);
    return policy(`w${slot}`, worldSpec(slot % 2 === 0, random));
  }
  const ranges = [['203.0.113.10/32'], ['203.0.113.0/24'], ['203.0.113.11/32'], ['192.0.2.0/24', '203.0.113.8/29']];
  return cidrGroup(`g${slotOf(slots.groups, random)}`, pick(ranges, random));
}

/** Labels of a pod that none had before, so that it gets a new identity, and the one that tells it. */
export function randomLabels(
  random: Random,
  turn: number,
): { readonly pod: string; readonly label: string; readonly applied: Standing } {
  const pod = pick(['client-2', 'echo-1', 'echo-2'], random);
  const applied = podLabels(pod, { team: pick(teams, random), turn: `t${turn}` });
  return { pod, label: `k8s:turn=t${turn}`, applied };
}

function httpSpec(random: Random): object {
  const rules = http({ path: pick(['/a', '/b', '/[ab]'], random), ...(random() < 0.5 && { method: 'GET' }) });
  const echo = pick([named('echo-1'), named('echo-2'), echoes], random);
  if (random() < 0.5) return { endpointSelector: clients, egress: [{ toEndpoints: [echo], toPorts: rules }] };
  return { endpointSelector: echo, ingress: [{ fromEndpoints: [clients], toPorts: rules }] };
}

function anySpec(random: Random): object {
  const inTeam = (name: string): object =>
    random() < 0.3 ? { matchLabels: { name, team: pick(teams, random) } } : named(name);
  const client = inTeam('client-2');
  const toPorts = pick([undefined, plain, http({}), http({ path: '/a' })], random);
  const echo = pick([inTeam('echo-1'), inTeam('echo-2'), echoes], random);
  const out = { toEndpoints: [echo], ...(toPorts && { toPorts }) };
  const into = { fromEndpoints: [client], ...(toPorts && { toPorts }) };
  const deny = { toEndpoints: [echo], ...(random() < 0.5 && { toPorts: plain }) };
  const specs = [
    { endpointSelector: client, egress: [out] },
    { endpointSelector: echo, ingress: [into] },
    { endpointSelector: client, egressDeny: [deny] },
    { endpointSelector: echo, ingressDeny: [{ fromEndpoints: [client] }] },
    nobody,
  ];
  return pick(specs, random);
}

function networkNobody(): object {
  return { podSelector: named('nobody'), policyTypes: ['Ingress'] };
}

function networkSpec(random: Random): object {
  const echo = pick([named('echo-1'), named('echo-2'), echoes], random);
  const ports = random() < 0.5 ? [{ port: 8080, protocol: 'TCP' }] : [];
  const specs = [
    { podSelector: named('client-2'), policyTypes: ['Egress'], egress: [{ to: [{ podSelector: echo }], ports }] },
    { podSelector: echo, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: named('client-2') }], ports }] },
    networkNobody(),
  ];
  return pick(specs, random);
}

/** Rules for the outside by CIDR groups, by name or by label. */
function worldSpec(onlyHttp: boolean, random: Random): object {
  const group = `g${slotOf(slots.groups, random)}`;
  const toCIDRSet = [random() < 0.5 ? { cidrGroupRef: group } : { cidrGroupSelector: { matchLabels: { group } } }];
  const rules = onPort(worldPort, { path: pick(['/a', '/b', '/[ab]'], random) });
  if (onlyHttp) return { endpointSelector: clients, egress: [{ toCIDRSet, toPorts: rules }] };
  const client = named('client-2');
  const toPorts = pick([undefined, onPort(worldPort), onPort(worldPort, {}), rules], random);
  const specs = [
    { endpointSelector: client, egress: [{ toCIDRSet, ...(toPorts && { toPorts }) }] },
    { endpointSelector: client, egressDeny: [{ toCIDRSet }] },
    nobody,
  ];
  return pick(specs, random);
}
