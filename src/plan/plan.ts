import { assert } from '../base/index.ts';
import type { PolicyObject } from '../model/cilium/index.ts';
import { type PeerIdentity, type ResolvedPolicy, reservedIdentity, reservedIdentityLabels } from '../policy/index.ts';
import { type AddressStage, createAddressStage } from './address-stage.ts';
import { type ClusterView, clusterView, nodeLabels, notPlannable } from './cluster-view.ts';
import { dnsPlan, redirectsDns } from './dns.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { denialsOf, localEndpoints } from './endpoints.ts';
import { buildEnvoyConfigs } from './envoy-config/build.ts';
import { type SelectedConfigs, selectEnvoyConfigs } from './envoy-config/select.ts';
import { originalDstCluster } from './envoy-json.ts';
import { httpListener, originalDestinationCluster, policyListener } from './http-listeners.ts';
import { type Interception, interceptionsOf } from './interception.ts';
import { type InterceptionResources, interceptionResources } from './interception-resources.ts';
import { nodeIdentities } from './node-identities.ts';
import type { Enforcement, Identity, NodePlan, XdsResources } from './node-plan.ts';
import { createPodStage } from './pod-stage.ts';
import { createPoliciesStage, keyOfPolicy, mergedFaults, type PolicyFaults, withFaults } from './policies.ts';
import { mayHaveFaults, policyConflicts } from './policy-conflicts.ts';
import { type PolicySubjects, policyEntries, type RedirectPorts } from './policy-entries.ts';
import { headerSecretFaults, namesSecrets, type SecretLookup, secretLookup, secretTexts } from './policy-secrets.ts';
import { createPolicyStage, type PolicyOutcome, type PolicyStage } from './policy-stage.ts';
import {
  namedTargets,
  policyTargets,
  targetFaults,
  targetNames,
  targetPorts,
  withoutLostRedirects,
} from './policy-targets.ts';
import { allocatePorts } from './proxy-ports.ts';
import { proxyReach } from './proxy-reach.ts';
import { rbacConfigs } from './rbac.ts';
import { listenerRbacConfigs } from './rbac-listeners.ts';
import { asksForServerNames, tlsRbacConfigs } from './rbac-tls.ts';
import { createServiceStage, serviceEntries } from './services.ts';
import { tlsListener } from './tls-listeners.ts';
import { tlsSecretFaults } from './tls-secrets.ts';
import type { World } from './world.ts';

/**
 * What the node `world.nodeName` has to do. Deterministic; of the world's lists only the contents matter, not the order.
 * Objects of the world must not be changed afterwards: what they decode to is kept as long as they are.
 * Throws when the node itself is not in the world with its addresses; ask `notPlannable` first.
 */
export function plan(world: World): NodePlan {
  return createPlanner()(world);
}

/** Plans the same, and faster when much of the world is the same objects as the time before. */
export function createPlanner(): (world: World) => NodePlan {
  const stages = {
    policiesOf: createPoliciesStage(),
    resolvePolicies: createPolicyStage(),
    addresses: createAddressStage(),
    servicesOf: createServiceStage(),
  };
  const podsOf = createPodStage();
  return (world) => {
    const view = clusterView(world, podsOf);
    assert(view, notPlannable(world) ?? 'the node has no addresses');
    return planOf(world, view, stages);
  };
}

interface Stages {
  readonly policiesOf: ReturnType<typeof createPoliciesStage>;
  readonly resolvePolicies: PolicyStage;
  readonly addresses: AddressStage;
  readonly servicesOf: ReturnType<typeof createServiceStage>;
}

function planOf(world: World, view: ClusterView, stages: Stages): NodePlan {
  const { policiesOf, resolvePolicies, servicesOf, addresses: stage } = stages;
  const { policies, ...judged } = policiesOf(world);
  const secretOf = secretLookup(world.secrets);
  const services = servicesOf(world, view);
  const configs = selectEnvoyConfigs(world, nodeLabels(world), services);
  const nodes = nodeIdentities(world, view);
  const addresses = stage.addressesOf(view, nodes);
  const resolved = resolvePolicies(world, view, policies, services, addresses, nodes);
  const interceptions = interceptionsOf(resolved.groups);
  const ports = proxyPorts(world, resolved.groups, configs, interceptions);
  const targets = policyTargets(configs.active);
  const listeners = targetPorts(targets, ports);
  const outcome = { ...resolved, groups: withoutLostRedirects(resolved.groups, listeners) };
  const subjects = [...outcome.groups, ...hostSubjects(view, outcome.host)];
  const mayFail = mayHaveFaults(policies);
  const conflicts = mayFail ? policyConflicts(resolved.groupsOf(view.pods)) : [];
  const faults = mayFail ? targetFaults(policies, conflicts, targets) : new Map();
  const deniedMessage = world.config.http403Message;
  const built = buildEnvoyConfigs(configs.active, services, {
    ports,
    targets: targetNames(outcome.groups),
    namedTargets: namedTargets(outcome.groups),
    deniedMessage,
  });
  const intercepting = interceptionResources(interceptionsOf(outcome.groups), { ports, secretOf, deniedMessage });
  const ranges = stage.rangesOf(addresses, outcome.world);
  const book = stage.bookOf(ranges);
  const reach = proxyReach(outcome.groups, ranges, configs.active, services);
  return {
    datapath: {
      mode: world.config.datapathMode,
      node: view.node,
      peers: view.peers,
      serviceCidr: world.config.serviceCidr,
      endpoints: localEndpoints(view, outcome.groups, world.config),
      ...(outcome.host && { host: { ...enforcementOf(outcome.host), ...denialsOf(world.config) } }),
      ipcache: stage.ipcacheOf(addresses, outcome.world),
      policy: policyEntries(subjects, redirectPorts(ports, listeners, interceptions)),
      services: serviceEntries(services),
      serviceRedirects: built.redirects,
      monitorAggregation: world.config.monitorAggregation,
    },
    xds: {
      ...policyResources(
        ports,
        { ...built.resources, secret: new Map([...built.resources.secret, ...configs.secrets]) },
        intercepting,
        deniedMessage,
      ),
      routes: sorted(built.resources.route),
      endpoints: sorted(built.resources.endpoint),
      extensionConfigs: new Map([
        ...rbacConfigs(view, outcome.groups, {
          addresses: book,
          index: outcome.index,
          reach,
          audit: world.config.policyAuditMode,
          secretTexts: secretTexts(secretOf),
        }),
        ...tlsRbacConfigs(outcome.groups, book, outcome.index),
        ...listenerRbacConfigs(outcome.groups, book, outcome.index),
      ]),
    },
    dns: dnsPlan(outcome.groups, ports.get(policyListener.dns) ?? 0),
    reports: [
      ...withFaults(judged.reports, mergedFaults(faults, secretFaultsOf(policies, secretOf))),
      ...configs.reports,
    ],
    conflicts,
    proxyPorts: ports,
    rules: sorted(outcome.references),
    isolatedBy: isolationOf(outcome),
    identities: identityLabelsByNumber([...view.podIdentities, ...nodes, ...outcome.world]),
    lastGood: sorted(new Map([...judged.lastGood, ...configs.lastGood])),
    envoyConfigResources: sorted(configs.resourceNames),
  };
}

function redirectPorts(
  ports: ReadonlyMap<string, number>,
  listeners: ReadonlyMap<string, number>,
  interceptions: readonly Interception[],
): RedirectPorts {
  const port = (name: string) => ports.get(name) ?? 0;
  return {
    httpEgress: port(policyListener.httpEgress),
    httpIngress: port(policyListener.httpIngress),
    tlsEgress: port(policyListener.tlsEgress),
    tlsIngress: port(policyListener.tlsIngress),
    dns: port(policyListener.dns),
    listeners: new Map([...listeners, ...interceptions.map(({ name }) => [name, port(name)] as const)]),
  };
}

function isolationOf({ groups, host }: PolicyOutcome): NodePlan['isolatedBy'] {
  const ofPods = groups.flatMap(({ pods: [first], policy }) =>
    first ? [[first.identity, policy.isolatedBy] as const] : [],
  );
  return new Map([...ofPods, ...(host ? [[reservedIdentity.host, host.isolatedBy] as const] : [])]);
}

function secretFaultsOf(policies: readonly PolicyObject[], secretOf: SecretLookup): PolicyFaults {
  const faults = new Map<string, readonly string[]>();
  const textOf = secretTexts(secretOf);
  for (const policy of policies.filter(namesSecrets)) {
    const own = [...tlsSecretFaults(policy, secretOf), ...headerSecretFaults(policy, textOf)];
    if (own.length > 0) faults.set(keyOfPolicy(policy), own);
  }
  return faults;
}

function enforcementOf({ enforceIngress, enforceEgress }: ResolvedPolicy): Enforcement {
  return { enforceIngress, enforceEgress };
}

/** The node is judged at both of its addresses alike. */
function hostSubjects({ node }: ClusterView, policy: ResolvedPolicy | undefined): readonly PolicySubjects[] {
  if (!policy) return [];
  return [{ pods: [{ address: node.address }, { address: node.routerAddress }], policy }];
}

function proxyPorts(
  world: World,
  groups: readonly EndpointGroup[],
  configs: SelectedConfigs,
  interceptions: readonly Interception[],
): ReadonlyMap<string, number> {
  // The HTTP listeners stand before any policy needs them: the first one then waits for no listener.
  const names = [...configs.portNames, policyListener.httpEgress, policyListener.httpIngress];
  if (redirectsDns(groups)) names.push(policyListener.dns);
  if (asksForServerNames(groups, 'egress')) names.push(policyListener.tlsEgress);
  if (asksForServerNames(groups, 'ingress')) names.push(policyListener.tlsIngress);
  names.push(...interceptions.map(({ name }) => name));
  return allocatePorts(names, world.proxyPorts, configs.reservedPorts);
}

function policyResources(
  ports: ReadonlyMap<string, number>,
  { listener, cluster, secret }: ReturnType<typeof buildEnvoyConfigs>['resources'],
  intercepting: InterceptionResources,
  deniedMessage: string,
): Pick<XdsResources, 'listeners' | 'clusters' | 'secrets'> {
  const listeners = new Map([...listener, ...intercepting.listeners]);
  const clusters = new Map([...cluster, ...intercepting.clusters]);
  const secrets = new Map([...secret, ...intercepting.secrets]);
  for (const direction of ['egress', 'ingress'] as const) {
    const name = direction === 'egress' ? policyListener.httpEgress : policyListener.httpIngress;
    const port = ports.get(name);
    const tlsName = direction === 'egress' ? policyListener.tlsEgress : policyListener.tlsIngress;
    const tlsPort = ports.get(tlsName);
    if (tlsPort !== undefined) listeners.set(tlsName, tlsListener(direction, tlsPort));
    if (port === undefined) continue;
    listeners.set(name, httpListener(direction, port, deniedMessage));
    clusters.set(originalDstCluster, originalDestinationCluster(originalDstCluster));
  }
  return { listeners: sorted(listeners), clusters: sorted(clusters), secrets: sorted(secrets) };
}

function identityLabelsByNumber(identities: readonly PeerIdentity[]): ReadonlyMap<Identity, readonly string[]> {
  const labels = new Map(reservedIdentityLabels);
  for (const { id, labels: own } of identities) labels.set(id, own);
  return labels;
}

function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
