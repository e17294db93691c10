import { interceptionTests, layer7Tests } from './layer7-tests.ts';
import type { Action, ConnectivityTest, Expectation, TestPod } from './model.ts';
import { withPortRange } from './port-ranges.ts';
import {
  clientToClient,
  hostToPod,
  podToCidr,
  podToHost,
  podToNodePort,
  podToPod,
  podToPodWithEndpoints,
  podToService,
  podToWorld,
} from './scenarios.ts';

const ok: Expectation = { result: 'ok', dns: 'plain' };
const dropped: Expectation = { result: 'dropped' };
const defaultDenyEgress: Expectation = { result: 'dropped', drop: { direction: 'egress', reason: 'default' } };
const defaultDenyIngress: Expectation = { result: 'dropped', drop: { direction: 'ingress', reason: 'default' } };
const denyEgress: Expectation = { result: 'dropped', drop: { direction: 'egress', reason: 'deny' } };
const denyIngress: Expectation = { result: 'dropped', drop: { direction: 'ingress', reason: 'deny' } };

const client = { name: 'client' } as const;
const client2 = { name: 'client2' } as const;
const allowAll = ['connectivity/allow-all-egress.yaml', 'connectivity/allow-all-ingress.yaml'] as const;

const isOtherClient = ({ labels }: TestPod): boolean => labels['other'] === 'client';
const isClient = ({ labels }: TestPod): boolean => labels['name'] === 'client';
const toEcho = ({ targetLabels }: Action): boolean => targetLabels['kind'] === 'echo';
const toSameNode = ({ targetLabels }: Action): boolean => targetLabels['name'] === 'echo-same-node';
const onlyOtherClient = ({ source }: Action): Expectation => (isOtherClient(source) ? ok : defaultDenyIngress);

const open: readonly ConnectivityTest[] = [
  {
    name: 'no-policies',
    policies: [],
    scenarios: [podToPod(), clientToClient, podToService, podToWorld, podToHost, hostToPod, podToCidr],
    expect: () => ok,
  },
  {
    name: 'no-policies-extra',
    policies: [],
    scenarios: [podToNodePort('remote'), podToNodePort('local')],
    expect: () => ok,
  },
  {
    name: 'allow-all-except-world',
    policies: ['connectivity/allow-all-except-world.yaml'],
    scenarios: [podToPod(), clientToClient, podToService, podToHost],
    expect: () => ok,
  },
];

/** Ingress rules at the clients, everything closed, and entities. */
const closed: readonly ConnectivityTest[] = [
  {
    name: 'client-ingress',
    policies: ['connectivity/client-ingress-from-client2.yaml'],
    scenarios: [clientToClient],
    expect: onlyOtherClient,
  },
  {
    name: 'client-ingress-knp',
    policies: ['connectivity/client-ingress-from-client2-knp.yaml'],
    scenarios: [clientToClient],
    expect: onlyOtherClient,
  },
  ...['all-ingress-deny', 'all-ingress-deny-knp'].map((name) => ({
    name,
    policies: [`connectivity/deny-all-ingress${name.endsWith('-knp') ? '-knp' : ''}.yaml`],
    scenarios: [podToPod(), podToCidr],
    expect: (action: Action) => (toEcho(action) ? defaultDenyIngress : ok),
  })),
  ...['all-egress-deny', 'all-egress-deny-knp'].map((name) => ({
    name,
    policies: [`connectivity/deny-all-egress${name.endsWith('-knp') ? '-knp' : ''}.yaml`],
    scenarios: [podToPod(), podToPodWithEndpoints()],
    expect: () => defaultDenyEgress,
  })),
  {
    name: 'all-entities-deny',
    policies: ['connectivity/deny-all-entities.yaml'],
    scenarios: [podToPod(), podToCidr],
    expect: () => denyEgress,
  },
  {
    name: 'cluster-entity',
    policies: ['connectivity/allow-cluster-entity.yaml'],
    scenarios: [podToPod({ destination: { name: 'echo-same-node' } })],
    expect: () => ok,
  },
  {
    name: 'host-entity-egress',
    policies: ['connectivity/allow-host-entity-egress.yaml'],
    scenarios: [podToHost],
    expect: () => ok,
  },
  {
    name: 'host-entity-ingress',
    policies: ['connectivity/allow-host-entity-ingress.yaml'],
    scenarios: [hostToPod],
    expect: () => ok,
  },
];

const allows: readonly ConnectivityTest[] = [
  ...['echo-ingress', 'echo-ingress-knp'].map((name) => ({
    name,
    policies: [`connectivity/echo-ingress-from-other-client${name.endsWith('-knp') ? '-knp' : ''}.yaml`],
    scenarios: [podToPod()],
    expect: onlyOtherClient,
  })),
  {
    name: 'client-ingress-icmp',
    policies: ['connectivity/client-ingress-icmp.yaml'],
    scenarios: [clientToClient],
    expect: onlyOtherClient,
  },
  {
    name: 'client-egress',
    policies: ['connectivity/client-egress-to-echo.yaml'],
    scenarios: [podToPod()],
    expect: () => ok,
  },
  {
    name: 'client-egress-knp',
    policies: ['connectivity/client-egress-to-echo-knp.yaml'],
    scenarios: [podToPod()],
    expect: () => ok,
  },
  ...withPortRange({
    name: 'client-egress-expression',
    policies: ['connectivity/client-egress-to-echo-expression.yaml'],
    scenarios: [podToPod()],
    expect: () => ok,
  }),
  ...withPortRange({
    name: 'client-egress-expression-knp',
    policies: ['connectivity/client-egress-to-echo-expression-knp.yaml'],
    scenarios: [podToPod()],
    expect: () => ok,
  }),
  ...withPortRange({
    name: 'client-with-service-account-egress-to-echo',
    policies: ['connectivity/client-with-service-account-egress-to-echo.yaml'],
    scenarios: [podToPod({ source: { kind: 'client' } })],
    expect: () => ok,
  }),
  ...withPortRange({
    name: 'client-egress-to-echo-service-account',
    policies: ['connectivity/client-egress-to-echo-service-account.yaml'],
    scenarios: [podToPod({ source: { kind: 'client' } })],
    expect: (action) => (toSameNode(action) ? ok : defaultDenyEgress),
  }),
  ...withPortRange({
    name: 'to-entities-world',
    policies: ['connectivity/client-egress-to-entities-world.yaml'],
    scenarios: [podToWorld],
    expect: (action) => (action.kind === 'curl' && action.port === 80 ? ok : { ...dropped, dns: 'plain' }),
  }),
  ...['to-cidr-external', 'to-cidr-external-knp'].map((name) => ({
    name,
    policies: [`connectivity/client-egress-to-cidr${name.endsWith('-knp') ? '-knp' : ''}.yaml`],
    scenarios: [podToCidr],
    expect: toOtherAddress(defaultDenyEgress, ok),
  })),
];

function toOtherAddress(other: Expectation, otherwise: Expectation): ConnectivityTest['expect'] {
  return ({ targetAddresses }, { external }) => (targetAddresses?.includes(external.otherAddress) ? other : otherwise);
}

const denies: readonly ConnectivityTest[] = [
  {
    name: 'echo-ingress-from-other-client-deny',
    policies: [...allowAll, 'connectivity/echo-ingress-from-other-client-deny.yaml'],
    scenarios: [podToPod({ source: client }), podToPod({ source: client2 }), clientToClient],
    expect: (action) => (isOtherClient(action.source) && toEcho(action) ? denyIngress : ok),
  },
  {
    name: 'client-ingress-from-other-client-icmp-deny',
    policies: [...allowAll, 'connectivity/client-ingress-icmp-deny.yaml'],
    scenarios: [podToPod(), clientToClient],
    expect: (action) => (isOtherClient(action.source) && action.targetLabels['kind'] === 'client' ? denyIngress : ok),
  },
  ...withPortRange({
    name: 'client-egress-to-echo-deny',
    policies: [...allowAll, 'connectivity/client-egress-to-echo-deny.yaml'],
    scenarios: [clientToClient, podToPod()],
    expect: (action) => (toEcho(action) ? denyEgress : ok),
  }),
  {
    name: 'client-ingress-to-echo-named-port-deny',
    policies: [...allowAll, 'connectivity/client-ingress-to-echo-named-port-deny.yaml'],
    scenarios: [podToPod({ source: client }), podToPod({ source: client2 })],
    expect: ({ source }) => (isClient(source) ? denyIngress : ok),
  },
  ...withPortRange({
    name: 'client-egress-to-echo-expression-deny',
    policies: [...allowAll, 'connectivity/client-egress-to-echo-expression-deny.yaml'],
    scenarios: [podToPod({ source: client }), podToPod({ source: client2 })],
    expect: ({ source }) => (isClient(source) ? denyEgress : ok),
  }),
  ...withPortRange({
    name: 'client-with-service-account-egress-to-echo-deny',
    policies: [...allowAll, 'connectivity/client-with-service-account-egress-to-echo-deny.yaml'],
    scenarios: [podToPod({ source: client }), podToPod({ source: client2 })],
    expect: ({ source }) => (isClient(source) ? denyEgress : ok),
  }),
  ...withPortRange({
    name: 'client-egress-to-echo-service-account-deny',
    policies: [...allowAll, 'connectivity/client-egress-to-echo-service-account-deny.yaml'],
    scenarios: [podToPod({ source: client })],
    expect: (action) => (toSameNode(action) ? denyEgress : ok),
  }),
  {
    name: 'client-egress-to-cidr-deny',
    policies: ['connectivity/allow-all-egress.yaml', 'connectivity/client-egress-to-cidr-deny.yaml'],
    scenarios: [podToCidr],
    expect: toOtherAddress(denyEgress, ok),
  },
  ...['client-egress-to-cidrgroup-deny', 'client-egress-to-cidrgroup-deny-by-label'].map((name) => ({
    name,
    policies: ['connectivity/allow-all-egress.yaml', `connectivity/${name}.yaml`],
    scenarios: [podToCidr],
    expect: toOtherAddress(denyEgress, ok),
  })),
  {
    name: 'client-egress-to-cidr-deny-default',
    policies: ['connectivity/client-egress-to-cidr-deny.yaml'],
    scenarios: [podToCidr],
    expect: toOtherAddress(denyEgress, defaultDenyEgress),
  },
];

/** These close the nodes themselves, so they come at the very end. */
const hostFirewall: readonly ConnectivityTest[] = [
  {
    name: 'host-firewall-ingress',
    requires: 'enable-host-firewall',
    policies: ['connectivity/host-firewall-ingress.yaml'],
    scenarios: [podToHost],
    expect: ({ source }) => (isClient(source) ? defaultDenyIngress : ok),
  },
  {
    name: 'host-firewall-egress',
    requires: 'enable-host-firewall',
    policies: ['connectivity/host-firewall-egress.yaml'],
    scenarios: [hostToPod],
    expect: ({ targetLabels }) => (targetLabels['name'] === 'echo-other-node' ? dropped : ok),
  },
];

/** Every test in the order of `cilium-cli`; those with Layer-7 rules and DNS redirection come late. */
export const connectivityTests: readonly ConnectivityTest[] = [
  ...open,
  ...closed,
  ...allows,
  ...denies,
  ...layer7Tests,
  ...hostFirewall,
  ...interceptionTests,
];
