export { type ConfigFault, configOf } from './agent-config.ts';
export { notPlannable } from './cluster-view.ts';
export { desiredIdentities } from './endpoints.ts';
export { explain } from './explain/explain.ts';
export type {
  Cluster,
  Destination,
  Explanation,
  Follow,
  NearMiss,
  ObjectField,
  Part,
  PodName,
  Question,
  Step,
  Taken,
} from './explain/types.ts';
export { type CiliumIdentity, identityNumbers, keyOfIdentity } from './identity-objects.ts';
export { clusterOfManifests, standInDns } from './manifest-cluster.ts';
export { conflictsOfManifests, type ManifestConflict } from './manifest-conflicts.ts';
export {
  type DatapathPlan,
  type DnsPlan,
  type DnsRule,
  type Enforcement,
  type Identity,
  type JsonObject,
  type JsonValue,
  type LocalEndpoint,
  type MonitorAggregation,
  type NodeAddress,
  type NodePlan,
  type ObjectReport,
  type PolicyConflict,
  type PolicyEntry,
  type ResourceMap,
  type RuleReference,
  type ServiceEntry,
  type ServiceRedirect,
  type TcpFlag,
  tcpFlags,
  type XdsResources,
} from './node-plan.ts';
export { createPlanner, plan } from './plan.ts';
export { conflictText, ruleText } from './policy-conflicts.ts';
export type { SecretReference } from './policy-secrets.ts';
export { ruleOfPolicy } from './rbac-statements.ts';
export { createPodSettling } from './settled-pods.ts';
export { type DnsQuestion, type DnsVerdict, dnsVerdict } from './verdicts/dns.ts';
export { matchingEntries, matchTypeOf, type PolicyQuestion } from './verdicts/packet.ts';
export { watchedSecrets } from './watched-secrets.ts';
export type {
  AgentConfig,
  ConfigMap,
  EndpointSlice,
  Namespace,
  Node,
  Pod,
  Refusal,
  Secret,
  Service,
  World,
} from './world.ts';
